"""Bundles on disk: whole or refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.bundle import Bundle, publish, versions, write_extra
from model.errors import BundleError
from model.golden import Golden
from model.spec import ModelSpec
from training.fit import Fitted


@pytest.fixture
def bundle(tiny_fitted: Fitted, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    return shutil.copytree(tiny_fitted.published, tmp_path / "models" / "tiny" / "1")


def edit(bundle: Path, **changes: Any) -> None:
    file = bundle / "assets.extra" / "bifocal.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_bundle_says_what_it_is(bundle: Path) -> None:
    metadata = Bundle(bundle).metadata

    assert metadata.name == "tiny"
    assert metadata.spec.heads["colour"].labels == ("blue", "green", "red")
    assert metadata.training_data["rows"] == {"train": 36, "val": 12, "test": 12}
    assert metadata.metrics["colour"]["examples"] == 12
    assert {"tensorflow", "keras", "bifocal"} <= set(metadata.libraries)
    assert {"saved_model.pb", "assets/text.txt", "assets.extra/golden.npz"} <= set(metadata.files)


@pytest.mark.parametrize("name", ["saved_model.pb", "assets/text.txt", "assets.extra/golden.npz"])
def test_a_changed_or_missing_file_is_named(bundle: Path, name: str) -> None:
    (bundle / name).write_bytes(b"other")
    with pytest.raises(BundleError, match=f"damaged: .*{name}"):
        Bundle(bundle)

    (bundle / name).unlink()
    with pytest.raises(BundleError, match=f"missing or changed since it was written: {name}"):
        Bundle(bundle)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 99}, "Bundle 1 has format 99; this build reads up to 4. Serve it with a newer Bifocal"),
        (
            {"format_version": 1},
            "Bundle 1 has format 1, from before Bifocal was first released; this build reads 2 to 4. Train",
        ),
        ({"decode_version": 0}, "decoded by version 0; this build decodes by version 1. Train it again"),
        ({"spec": {}}, "is not a bundle this build can read"),
        ({"format_version": 99, "news": 1}, "Bundle 1 has format 99"),
    ],
)
def test_a_bundle_of_another_build_is_refused(bundle: Path, changes: dict[str, Any], message: str) -> None:
    edit(bundle, **changes)

    with pytest.raises(BundleError, match=message):
        Bundle(bundle)


def test_a_bundle_from_before_calibration_is_still_read(bundle: Path) -> None:
    file = bundle / "assets.extra" / "bifocal.json"
    said = json.loads(file.read_text())
    for key in ("temperatures", "thresholds", "recipe"):
        del said[key]
    file.write_text(json.dumps(said | {"format_version": 2}))

    metadata = Bundle(bundle).metadata
    assert (metadata.temperatures, metadata.thresholds, metadata.recipe) == ({}, {}, None)


def test_the_model_card_is_part_of_the_bundle(bundle: Path, tmp_path: Path) -> None:
    metadata = Bundle(bundle).metadata
    write_extra(tmp_path / "new", metadata, Bundle(bundle).golden(), {}, model_card="# Tiny\n")

    assert (tmp_path / "new" / "assets.extra" / "MODEL_CARD.md").read_text() == "# Tiny\n"
    assert "assets.extra/MODEL_CARD.md" in Bundle(tmp_path / "new").metadata.files


def test_thresholds_are_told_in_the_order_of_the_labels(bundle: Path) -> None:
    metadata = Bundle(bundle).metadata
    heads = {"colour": {"kind": "multi_label", "labels": ["blue", "green", "red"]}}
    spec = ModelSpec.parse({**metadata.spec.model_dump(), "heads": heads}, what="spec")
    several = metadata.model_copy(update={"spec": spec, "thresholds": {"colour": {"red": 0.2, "blue": 0.3}}})

    assert metadata.threshold_arrays == {}
    np.testing.assert_array_equal(several.threshold_arrays["colour"], np.array([0.3, 0.5, 0.2], np.float32))


def test_the_recipe_is_kept_without_the_folders_of_the_machine(bundle: Path) -> None:
    recipe = Bundle(bundle).metadata.recipe

    assert recipe is not None
    assert recipe["data"]["manifest"] == "manifest.csv"
    assert recipe["data"]["columns"] == {"image": "image", "text": "caption", "tags": "tags"}
    assert str(bundle.parents[3]) not in json.dumps(recipe)


def test_a_folder_without_metadata_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is not a bundle: assets.extra/bifocal.json can't be read \(No such file"):
        Bundle(tmp_path)


def test_versions_count_up_and_are_read_as_numbers(bundle: Path) -> None:
    models = bundle.parents[1]
    for _ in range(10):
        published = publish(bundle, models, "tiny")

    (models / "tiny" / "notes").mkdir()
    assert published.name == "11"
    assert versions(models / "tiny") == list(range(1, 12))
    assert Bundle(published).metadata.name == "tiny"


def test_a_file_in_the_place_of_a_version_is_an_error_and_no_endless_search(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "tiny").mkdir(parents=True)
    (tmp_path / "elsewhere" / "tiny" / "1").write_text("a file")

    with pytest.raises(NotADirectoryError):
        publish(bundle, tmp_path / "elsewhere", "tiny")


def test_a_failed_publishing_leaves_nothing_behind(bundle: Path) -> None:
    (bundle / "hanging").symlink_to(bundle / "nowhere")  # what copying fails at
    with pytest.raises(shutil.Error):
        publish(bundle, bundle.parents[1], "tiny")

    assert [path.name for path in (bundle.parents[1] / "tiny").iterdir()] == ["1"]


def test_golden_examples_survive_the_file(bundle: Path, tmp_path: Path) -> None:
    spec = Bundle(bundle).spec
    examples = [{"image": b"\x89PNG\x00\x00", "text": "Tür 杯"}, {"tags": "a,b"}]
    golden = Golden(examples, {"colour": np.array([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]], np.float32)})
    golden.save(tmp_path / "golden.npz")

    read = Golden.load(tmp_path / "golden.npz", spec)
    assert read.examples == examples
    np.testing.assert_array_equal(read.probabilities["colour"], golden.probabilities["colour"])


def test_a_file_that_holds_no_golden_examples_is_refused(bundle: Path, tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04 not a zip", b"text"):
        (tmp_path / "golden.npz").write_bytes(content)
        with pytest.raises(BundleError, match=r"The golden examples golden\.npz can't be read"):
            Golden.load(tmp_path / "golden.npz", Bundle(bundle).spec)


def test_answers_that_differ_from_the_golden_ones_are_refused() -> None:
    golden = Golden([{"text": "a"}], {"topic": np.array([[0.25, 0.75]], np.float32)})

    assert golden.check({"topic": np.array([[0.25001, 0.74999]], np.float32)}) == pytest.approx(1e-5, rel=0.01)
    with pytest.raises(BundleError, match=r"differ by 0\.01; expected at most 0\.0001"):
        golden.check({"topic": np.array([[0.26, 0.74]], np.float32)})
    with pytest.raises(BundleError, match="differ by nan"):
        golden.check({"topic": np.array([[np.nan, 1]], np.float32)})


def test_the_bundle_carries_full_and_partly_absent_golden_examples(bundle: Path) -> None:
    golden = Bundle(bundle).golden()
    given = [set(example) for example in golden.examples]

    assert len(given) == 11
    assert given[-3:] == [{"text", "tags"}, {"image", "tags"}, {"image", "text"}]
    assert golden.probabilities["colour"].sum(axis=1) == pytest.approx(1, abs=1e-5)
