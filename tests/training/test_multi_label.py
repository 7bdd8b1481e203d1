"""A head with any number of labels, from the manifest to the answer of the service."""

from __future__ import annotations

import csv
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from model.bundle import Bundle
from model.errors import ManifestError, SpecError
from model.spec import MultiLabelHead, SingleLabelHead
from tests import tiny
from training import labels, manifest, splits
from training.accuracy import accuracy
from training.evaluation.calibration import Calibration
from training.evaluation.measured import commonest, figures_of, majority
from training.fit import fit
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.recipe import Recipe, SplitSettings
from training.runs import Folders

WORDS = {"red": "tomato", "round": "ball", "soft": "pillow"}


def write(directory: Path, *, rows: int = 60) -> Path:
    """Captions that name what a thing is; the labels are all that is named, `red;soft`, or none."""
    random = np.random.default_rng(0)
    directory.mkdir(exist_ok=True)
    Image.new("RGB", (12, 10), "white").save(directory / "white.png")
    lines = []
    for row in range(rows):
        chosen = [label for label in WORDS if random.random() < 0.5]
        caption = "thing " + " ".join(WORDS[label] for label in chosen)
        split = ("train", "train", "train", "val", "test")[row % 5]
        lines.append({"image": "white.png", "caption": caption, "marks": " ; ".join(chosen), "split": split})
    return tiny.write_rows(directory / "manifest.csv", lines)


def test_which_labels_rows_have_takes_no_more_memory_than_the_answer(tmp_path: Path) -> None:
    names = [f"label {number}" for number in range(1000)]
    owned = [sorted(np.random.default_rng(row).choice(names, row % 4, replace=False)) for row in range(2000)]
    rows = [{"image": "", "caption": "a", "marks": ";".join(some), "split": "train"} for some in owned]
    asked = recipe_of(tiny.write_rows(tmp_path / "shop.csv", rows))
    table = manifest.read(asked, cache_dir=tmp_path / "cache")
    asked = asked.with_labels({"marks": tuple(names)})
    tracemalloc.start()
    found = labels.targets(table, asked)["marks"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [[names[at] for at in np.flatnonzero(row)] for row in found] == [sorted(o, key=names.index) for o in owned]
    assert most < 1.5 * found.nbytes


def recipe_of(manifest: Path, **head: object) -> Recipe:
    return Recipe.parse(
        {
            "name": "marks",
            "data": {
                "manifest": manifest,
                "columns": {"image": "image", "text": "caption"},
                "labels": {"marks": "marks"},
                "split": {"column": "split"},
            },
            "spec": {
                "inputs": {"image": {"kind": "image", "height": 12, "width": 10}, "text": {"kind": "text"}},
                "branches": {
                    "image": {"kind": "conv", "filters": [3], "units": 4},
                    "text": {"kind": "embedding", "dimension": 8, "units": 8, "dropout": 0},
                },
                "trunk": {"units": [], "dropout": 0},
                "heads": {"marks": {"kind": "multi_label", "delimiter": ";", **head}},
            },
            "training": {"epochs": 12, "batch_size": 8, "learning_rate": 0.05, "absent_rate": 0},
        },
        what="recipe",
    )


@pytest.fixture
def prepared(tmp_path: Path, reporter: Reporter) -> Prepared:
    return prepare(recipe_of(write(tmp_path / "data")), cache_dir=tmp_path / "cache", reporter=reporter)


def test_labels_are_read_from_delimited_cells_and_none_is_an_answer(prepared: Prepared) -> None:
    assert prepared.recipe.spec.heads["marks"].labels == ("red", "round", "soft")
    assert prepared.bad == []
    assert prepared.train.targets["marks"].shape == (36, 3)
    assert (~prepared.train.targets["marks"]).all(axis=1).any()


def test_they_are_learned_exported_and_told(prepared: Prepared, tmp_path: Path, reporter: Reporter) -> None:
    fitted = fit(prepared, Folders(tmp_path / "runs", tmp_path / "models"), reporter)

    figures = fitted.metrics["test"]["marks"]
    assert figures["metrics"]["accuracy"]["value"] > 0.9
    assert figures["majority"] < 0.7
    assert set(figures["classes"]) == {"red", "round", "soft"}
    json.dumps(figures)
    with (fitted.run.path / "predictions.csv").open(newline="") as stream:
        rows: list[dict[str, Any]] = list(csv.DictReader(stream))
    metadata = Bundle(fitted.published).metadata
    thresholds = metadata.thresholds["marks"]
    assert set(thresholds) == set(WORDS)
    for row in rows:
        likely = [label for label in WORDS if float(row[f"marks:{label}"]) >= thresholds[label]]
        assert row["marks.predicted"] == ";".join(likely)
    golden = Bundle(fitted.published).golden().probabilities["marks"]
    assert not np.allclose(golden.sum(axis=1), 1)


def test_an_unlisted_label_is_named(tmp_path: Path, reporter: Reporter) -> None:
    with pytest.raises(ManifestError, match=r"labels that spec\.heads\.marks\.labels does not list: 'soft'"):
        prepare(
            recipe_of(write(tmp_path / "data"), labels=["red", "round"]),
            cache_dir=tmp_path / "cache",
            reporter=reporter,
        )


def test_a_split_is_made_by_all_labels_of_a_row() -> None:
    targets = np.random.default_rng(0).random((1000, 4)) < [0.5, 0.2, 0.05, 0.01]
    cells = [(tuple("abcd"[label] for label in np.flatnonzero(row)),) for row in targets]
    split = splits.by_ratio(np.arange(1000), cells, None, SplitSettings(validation=0.2, test=0.2))

    for label in range(4):
        assert (split[targets[:, label]] == 1).sum() == pytest.approx(0.2 * targets[:, label].sum(), abs=3)
    assert (split[~targets.any(axis=1)] == 1).mean() == pytest.approx(0.2, abs=0.03)


def test_accuracy_is_the_overlap_of_right_and_predicted() -> None:
    head = MultiLabelHead(labels=("a", "b", "c"))
    right = np.array([[True, True, False], [False, False, False], [True, False, False]])
    probabilities = np.array([[0.9, 0.1, 0.9], [0.1, 0.2, 0.3], [0.1, 0.9, 0.0]], np.float32)

    assert accuracy(head, probabilities, right) == pytest.approx((1 / 3 + 1 + 0) / 3)
    assert accuracy(
        SingleLabelHead(labels=("a", "b", "c")), probabilities, np.array([0, 2, 0], np.int32)
    ) == pytest.approx(2 / 3)


def measured(
    labels: tuple[str, ...], probabilities: list[list[float]], right: list[list[bool]], answer: tuple[str, ...] = ()
) -> dict[str, Any]:
    head = MultiLabelHead(labels=labels)
    return figures_of(head, np.array(probabilities, np.float32), np.array(right), Calibration(), answer=answer)


def test_figures_of_several_labels_are_those_of_their_definitions() -> None:
    right = [[True, False], [True, True], [False, False], [False, False]]
    found = measured(("a", "b"), [[0.9, 0.6], [0.8, 0.4], [0.3, 0.1], [0.2, 0.2]], right, ("a",))

    values = {name: one["value"] for name, one in found["metrics"].items()}
    assert values["accuracy"] == pytest.approx((0.5 + 0.5 + 1 + 1) / 4)
    assert values["subset_accuracy"] == 0.5
    assert values["micro_f1"] == pytest.approx(2 * 2 / (3 + 3))
    assert values["macro_f1"] == pytest.approx((1 + 0) / 2)
    assert values["average_precision"] == pytest.approx((1 + 0.5) / 2)
    assert found["majority"] == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert found["classes"]["b"]["support"] == 1
    likelihood = np.log([0.9, 0.4, 0.8, 0.4, 0.7, 0.9, 0.8, 0.8])
    assert values["log_loss"] == pytest.approx(-likelihood.mean(), rel=1e-5)


def test_a_single_label_is_counted_as_any_other() -> None:
    found = measured(("sale",), [[0.9], [0.8], [0.1], [0.2]], [[True], [False], [False], [False]])

    values = {name: one["value"] for name, one in found["classes"]["sale"].items() if name != "support"}
    assert values == {"precision": 0.5, "recall": 1, "f1": pytest.approx(2 / 3), "average_precision": 1}
    assert found["classes"]["sale"]["support"] == 1
    assert found["metrics"]["micro_f1"]["value"] == pytest.approx(2 / 3)
    assert found["majority"] == 0.75


def test_a_label_that_does_not_occur_has_no_average_precision_and_any_recall() -> None:
    found = measured(("a",), [[0.2]], [[False]])

    assert found["classes"]["a"]["average_precision"] is None
    assert found["classes"]["a"]["recall"] == {"value": 0.0, "low": 0.0, "high": 1.0}
    assert found["metrics"]["macro_f1"] is None


def test_a_label_that_all_rows_have_has_no_average_precision() -> None:
    """Any ranking of them would have 1; a slice of one label alone would look perfect."""
    found = measured(("a", "b"), [[0.2, 0.9], [0.1, 0.3]], [[True, True], [True, False]])

    assert found["classes"]["a"]["average_precision"] is None
    assert found["metrics"]["average_precision"]["value"] == 1  # of b


def test_the_commonest_answer_may_be_none() -> None:
    head = MultiLabelHead(labels=("a", "b"))
    right, trained_on = np.array([[False, False], [True, False]]), np.array([[False, False]] * 3 + [[True, False]] * 2)

    assert commonest(head, trained_on) == ()
    assert majority(head, right, ()) == 0.5


@pytest.mark.parametrize("labels", [["a;b", "c"], ["", "a"], [" a", "b"]])
def test_a_label_that_no_cell_can_hold_is_refused(labels: list[str]) -> None:
    with pytest.raises(SpecError, match="no cell can hold"):
        MultiLabelHead.parse({"labels": labels, "delimiter": ";"}, what="head")
