"""Looking inside a trained model."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from model.build import FUSION, build
from model.errors import BundleError, ImageError, SpecError
from model.rebuild import Rebuilt
from model.spec import ModelSpec
from tests.model.made_up import AXES, covering, spec_of
from training import diagram, feature_maps
from training.fit import Fitted
from training.inspection import Inspection
from training.inspection_report import example_from, tell_example, tell_parts
from training.progress import Reporter


@pytest.fixture(scope="module")
def inspection(tiny_fitted: Fitted) -> Inspection:
    return Inspection(tiny_fitted.run.path)


def picture(directory: Path) -> Path:
    file = directory / "red.png"
    Image.new("RGB", (20, 30), (220, 30, 30)).save(file)
    return file


def test_the_parts_are_told_with_their_weights_and_shapes(inspection: Inspection, tiny_fitted: Fitted) -> None:
    parts = {part.name: part for part in inspection.parts()}

    assert list(parts) == ["image", "text", "tags", "merge", "trunk", "colour"]
    assert parts["image"].shape == "stage_1 (6, 5, 4), stage_2 (3, 2, 6), vector (8)"
    assert parts["text"].shape == "states (any, 6), vector (8)"
    assert parts["merge"].kind == "concatenate"
    assert parts["merge"].shape == "vector (19)"
    assert parts["trunk"].parameters == 19 * 8 + 8
    assert parts["colour"].parameters == 8 * 3 + 3
    absent = 8 + 8 + 3
    assert inspection.total_parameters == sum(part.parameters for part in parts.values()) + absent
    assert inspection.total_parameters == tiny_fitted.metrics["parameters"]


def test_an_example_is_answered_explained_and_drawn(inspection: Inspection, tmp_path: Path) -> None:
    example = {"image": picture(tmp_path).read_bytes(), "text": "a tomato", "tags": "thing"}
    looked = inspection.look(example, tmp_path / "out")

    assert looked.answers["colour"][0][0] == looked.explained["colour"] == "red"
    assert [token for token, _ in looked.tokens["text"]] == ["a", "tomato"]
    assert sum(looked.shares.values()) == pytest.approx(looked.probability - looked.baseline, abs=1e-5)
    assert sorted(file.name for file in looked.files) == ["image.heatmap.png", "image.stage_1.png", "image.stage_2.png"]
    assert all(file.is_file() for file in looked.files)


def test_an_absent_picture_is_not_drawn(inspection: Inspection, tmp_path: Path) -> None:
    looked = inspection.look({"text": "a leaf"}, tmp_path / "out")

    assert looked.files == []
    assert looked.tokens["tags"] == []
    assert looked.shares["image"] == pytest.approx(0, abs=1e-6)


def test_all_of_it_is_said(inspection: Inspection, tmp_path: Path) -> None:
    stream = io.StringIO()
    reporter = Reporter(Console(file=stream, width=110))
    tell_parts(inspection, reporter)
    tell_example(inspection.look({"text": "a tomato"}, tmp_path), reporter)

    said = stream.getvalue()
    assert re.search(r"image\s+│ conv\s+│\s+\d+ │ stage_1 \(6, 5, 4\)", said)
    assert re.search(r"why colour '(red|green|blue)': [01]\.\d{3}, and 0\.\d{3} with every input absent", said)
    assert "-0.000" not in said
    assert re.search(r"a [+-]0\.\d{3}  tomato [+-]0\.\d{3}", said)


def test_a_head_that_adds_answers_says_how_much_each_counts(
    inspection: Inspection, tiny_fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO()
    spec = inspection.spec.model_dump()
    spec["heads"]["colour"] |= {"auxiliary_weight": 1.0, "add_auxiliary": True}
    adding = ModelSpec.parse(spec, what="spec")
    network = build(adding, {"text": 9, "tags": 5})
    network.get_layer(FUSION).get_layer("colour.pool").shares.assign([1.5, 0, 0.25, 0.75])
    monkeypatch.setattr("training.inspection.rebuild", lambda _: Rebuilt(adding, None, network, {}))  # type: ignore[arg-type]
    opened = Inspection(tiny_fitted.run.path)
    tell_parts(opened, Reporter(Console(file=stream, width=110)))

    assert inspection.pools() == {}
    assert opened.pools() == {"colour": {"merged": 1.5, "image": 0, "text": 0.25, "tags": 0.75}}
    told = "colour adds up what it says of all merged and of each branch alone, weighed by: merged 1.50, image 0.00, "
    assert told + "text 0.25, tags 0.75" in " ".join(stream.getvalue().split())


def test_options_name_their_input_where_there_are_several(tmp_path: Path) -> None:
    spec = ModelSpec.parse(
        {
            "inputs": {"image": {"kind": "image"}, "title": {"kind": "text"}, "note": {"kind": "text"}},
            "branches": {"image": {"kind": "conv"}, "title": {"kind": "embedding"}, "note": {"kind": "embedding"}},
            "heads": {"a": {"kind": "single_label"}},
        },
        what="spec",
    )
    file = picture(tmp_path)
    found = example_from(spec, image=[str(file)], text=["title=a=b", "note=c"], tags=[])

    assert found == {"image": file.read_bytes(), "title": "a=b", "note": "c"}
    with pytest.raises(SpecError, match=r"--text: say which input it is for: --text INPUT=mug.* Valid: note, title"):
        example_from(spec, image=[], text=["mug"], tags=[])
    with pytest.raises(SpecError, match="--tags: the model has no input of that kind"):
        example_from(spec, image=[], text=[], tags=["a"])
    with pytest.raises(ImageError, match=r"Input 'image': .*none\.png can't be read: No such file"):
        example_from(spec, image=["none.png"], text=[], tags=[])


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        Inspection(tmp_path)


@pytest.mark.parametrize("row", list(covering(AXES, pairs=False))[:3], ids=lambda row: row["merge"])
def test_the_architecture_is_drawn_from_the_inputs_to_the_heads(row: dict[str, str], tmp_path: Path) -> None:
    spec = spec_of(row)
    boxes = diagram.boxes(spec, {"image": 1234})
    diagram.draw(spec, {}, tmp_path / "architecture.png")

    assert boxes["branch image"].lines == (f"image: {row['image']}", "1,234 weights")
    assert boxes["merge"].sources == tuple(f"branch {name}" for name in spec.branches)
    assert boxes["head answer"].sources == ("trunk",)
    with Image.open(tmp_path / "architecture.png") as picture:
        assert picture.width > 1000


def test_a_grid_shows_every_channel_from_dark_to_bright() -> None:
    features = np.zeros((2, 3, 5), np.float32)
    features[0, 1, 4] = 7
    sheet = np.asarray(feature_maps.grid(features))

    side = feature_maps.CELL_PX // 3
    assert sheet.shape == (2 * (2 * side + 2) - 2, 3 * (3 * side + 2) - 2, 3)
    brightest = np.unravel_index(
        sheet[2 * side + 2 :, 3 * side + 2 : 6 * side + 2].sum(axis=2).argmax(), (2 * side, 3 * side)
    )
    assert (brightest[0] // side, brightest[1] // side) == (0, 1)


def test_an_overlay_is_grey_where_there_is_no_heat() -> None:
    pixels = np.full((8, 8, 3), (200, 100, 0), np.uint8)
    heat = np.zeros((8, 8), np.float32)
    heat[0, 0] = 3
    shown = np.asarray(feature_maps.overlay(pixels, heat))

    assert shown[-1, -1].tolist() == [100, 100, 100]
    assert len(set(shown[0, 0].tolist())) > 1
    assert (np.asarray(feature_maps.overlay(pixels, np.zeros((8, 8), np.float32))) == 100).all()
