"""The heat map over its picture, and an example and its prediction on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.errors import BifocalError, ImageError, RequestError
from model.spec import ModelSpec
from service.commands.example_options import example_of
from service.commands.heatmap_image import GAP_PX, SIDE_PX, heatmap_image
from service.commands.prediction_text import prediction_lines
from service.engine import Answered
from service.engine.explanation import Explanation
from tests.service.stand_in import SPEC, picture

TWO = ModelSpec.parse(
    {
        "inputs": {
            "front": {"kind": "image", "height": 8, "width": 12},
            "back": {"branch_of": "front", "kind": "image"},
        },
        "branches": {"front": {"kind": "conv", "filters": [2]}},
        "merge": {"kind": "concatenate"},
        "heads": {name: {"kind": "single_label", "labels": ["a", "bc"]} for name in ("kind", "state")},
    },
    what="spec",
)


def explanation(head: str, **heatmaps: np.ndarray) -> Explanation:
    return Explanation(
        head, "a", 0.75, 0.5, {"image": 0.25, "text": -0.0004}, heatmaps, {"text": [("mug", 0.1), ("é", -0.2)]}
    )


def test_the_place_that_was_seen_is_bright_and_the_rest_is_the_picture_in_grey() -> None:
    heat = np.zeros((8, 8), np.float32)
    heat[6:, 6:] = 3.0
    shown = heatmap_image(
        SPEC, {"image": picture("red", size=(10, 10))}, {"colour": explanation("colour", image=heat)}, max_pixels=100
    )

    assert shown is not None
    assert shown.size == (SIDE_PX, SIDE_PX)
    pixels = np.asarray(shown).astype(int)
    assert pixels[5, 5].tolist() == [85, 85, 85]  # red, as grey
    assert pixels[-5, -5].sum() > 500


def test_nothing_seen_is_a_grey_picture_and_its_shape_is_kept_as_the_model_saw_it() -> None:
    shown = heatmap_image(
        SPEC,
        {"image": picture("black", size=(10, 5))},
        {"colour": explanation("colour", image=np.zeros((8, 8), np.float32))},
        max_pixels=100,
    )

    assert shown is not None
    column = np.asarray(shown)[:, SIDE_PX // 2, 0]
    assert (column[0], column[SIDE_PX // 2], column[-1]) == (255, 0, 255)  # white bars above and below


def test_several_pictures_stand_side_by_side_and_heads_below_each_other() -> None:
    heat = np.ones((8, 12), np.float32)
    example = {"front": picture("red"), "back": picture("blue")}
    shown = heatmap_image(
        TWO, example, {head: explanation(head, front=heat, back=heat) for head in ("kind", "state")}, max_pixels=1000
    )

    assert shown is not None
    assert shown.size == (2 * SIDE_PX + GAP_PX, 2 * 256 + GAP_PX)


def test_without_a_picture_there_is_none() -> None:
    assert heatmap_image(SPEC, {"text": "red"}, {"colour": explanation("colour")}, max_pixels=1) is None


def test_options_make_an_example(tmp_path: Path) -> None:
    (tmp_path / "a=b.png").write_bytes(b"a picture")
    file = str(tmp_path / "a=b.png")

    assert example_of(SPEC, image=file, text="x=y", tags=None, inputs=["tags=a,b"]) == {
        "image": b"a picture",
        "text": "x=y",
        "tags": "a,b",
    }
    assert example_of(TWO, image=None, text=None, tags=None, inputs=[f"back={file}"]) == {"back": b"a picture"}
    assert example_of(SPEC, image=None, text=None, tags=None, inputs=["caption=red"]) == {"text": "red"}


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        (TWO, {"image": "a.png"}, r"--image: the model has several: front, back\. Say which: --input front=\.\.\."),
        (TWO, {"text": "a"}, r"--text: the model has no input of that kind\. Its inputs: front, back\."),
        (SPEC, {"inputs": ["txet=a"]}, "--input txet=a: expected NAME=VALUE with .* did you mean 'text'"),
        (SPEC, {"inputs": ["text"]}, "--input text: expected NAME=VALUE"),
        (SPEC, {"text": "a", "inputs": ["caption=b"]}, "--input caption: 'text' is given twice"),
        (SPEC, {"text": " "}, "Every input is absent; expected at least one of: image, text, tags"),
        (SPEC, {}, "Every input is absent"),
    ],
)
def test_options_that_do_not_fit_are_refused_by_name(spec: ModelSpec, options: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        example_of(spec, **{"image": None, "text": None, "tags": None, "inputs": []} | options)  # type: ignore[arg-type]


def test_a_picture_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"Input 'image': .*gone\.png can't be read: No such file") as caught:
        example_of(SPEC, image=str(tmp_path / "gone.png"), text=None, tags=None, inputs=[])
    assert isinstance(caught.value, BifocalError)


def test_a_prediction_is_a_table_with_bars_and_reasons() -> None:
    values = {"kind": np.array([0.2, 0.8], np.float32), "state": np.array([0.999, 0.001], np.float32)}
    answer = Answered(values, ("back",), {"kind": explanation("kind")})

    assert list(prediction_lines(TWO, answer, top_k=2, block="#")) == [
        "kind",
        "  bc   80.0 %  " + 24 * "#",
        "  a    20.0 %  " + 6 * "#",
        "state",
        "  a    99.9 %  " + 30 * "#",
        "  bc    0.1 %",
        "absent: back",
        "",
        "why kind is 'a': 0.750, and 0.500 with every input absent; moved by",
        "  image  +0.250",
        "  text   +0.000",
        "  in text: mug +0.100  é -0.200",
    ]
    assert len(list(prediction_lines(TWO, Answered(values, ()), top_k=1, block="#"))) == 4
