"""Measuring a model on rows: the figures, and `bifocal-training evaluate`."""

from __future__ import annotations

import csv
import json
import re
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import confusion_matrix
from typer.testing import CliRunner

from model.errors import ManifestError, StorageError
from model.spec import ModelSpec, SingleLabelHead
from tests import tiny
from tests.training.made_up_run import figures as made_up_figures
from tests.training.made_up_run import measured
from training.cli import app
from training.evaluation import About, evaluate, telling
from training.evaluation import measured as measured_module
from training.evaluation import rows as rows_module
from training.evaluation.calibration import Calibration
from training.evaluation.measured import figures_of
from training.evaluation.rows import Rows, Wanted, read
from training.evaluation.slices import parts_of
from training.fit import Fitted
from training.manifests.table import Encoded
from training.modalities import worth_withholding
from training.pipeline import Examples
from training.prepare import prepare
from training.progress import Reporter
from training.recipe import Recipe
from training.runs import Run

LABELS = ("blue", "green", "red")


def rewritten(source: Path, target: Path, **changes: str) -> Path:
    """A copy of the tiny manifest, its pictures where they are; the first row is changed."""
    with source.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["image"] = str(source.parent / row["image"]) if row["image"] else ""
    rows[0] |= changes
    return tiny.write_rows(target, rows)


def labelled(manifest: Path) -> Recipe:
    return tiny.recipe(manifest).with_labels({"colour": LABELS})


def rows_of(recipe: Recipe, tmp_path: Path, reporter: Reporter, **wanted: object) -> Rows:
    return read(recipe, Wanted(**wanted), cache_dir=tmp_path / "cache", reporter=reporter)  # type: ignore[arg-type]


def test_figures_of_a_head_hold_what_is_said_of_it() -> None:
    head = SingleLabelHead(labels=("a", "b", "c"))
    probabilities = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.28, 0.62, 0.1], [0.62, 0.28, 0.1]], np.float32)
    found = figures_of(head, probabilities, np.array([0, 1, 0, 0], np.int32), Calibration(1.5), answer=("a",))

    assert (found["examples"], found["majority"], found["commonest"]) == (4, 0.75, ["a"])
    assert found["confusion"] == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    one = found["classes"]["a"]
    assert (one["precision"]["value"], one["recall"]["value"], one["support"]) == (1, pytest.approx(2 / 3), 3)
    assert one["precision"]["low"] < 0.5  # of two answers
    assert found["classes"]["c"]["average_precision"] is None
    assert found["calibration"] == {"temperature": 1.5}
    assert sum(one["count"] for one in found["reliability"]) == 4
    assert found["reliability"][9] == pytest.approx(
        {"low": 9 / 15, "high": 10 / 15, "count": 2, "confidence": 0.62, "accuracy": 0.5}
    )
    json.dumps(found)


@pytest.mark.parametrize(("classes", "key"), [(100, "confusion"), (101, "confused")])
def test_of_very_many_labels_only_the_most_frequent_confusions_are_kept(classes: int, key: str) -> None:
    labels = tuple(f"label {number}" for number in range(classes))
    right = np.array([0, 1, 1, 1, 2, 2, 2, 2], np.int32)
    predicted = np.array([0, 0, 0, 1, 3, 3, 3, 99])
    head, told = SingleLabelHead(labels=labels), np.eye(classes, dtype=np.float32)[predicted]
    found = figures_of(head, told, right, Calibration(), answer=("label 2",))

    assert {"confusion", "confused"} & set(found) == {key}
    if key == "confusion":
        assert np.array_equal(found[key], confusion_matrix(right, predicted, labels=range(classes)))
    else:
        assert found[key] == [["label 2", "label 3", 3], ["label 1", "label 0", 2], ["label 2", "label 99", 1]]
    json.dumps(found)


def test_and_of_those_a_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    head = SingleLabelHead(labels=tuple(map(str, range(150))))
    told = np.eye(150, dtype=np.float32)[random.integers(0, 150, 3000)]
    monkeypatch.setattr(measured_module, "RESAMPLES", 20)
    monkeypatch.setattr(measured_module, "LEAST_RESAMPLES", 20)
    found = figures_of(head, told, random.integers(0, 150, 3000).astype(np.int32), Calibration(), answer=("1",))

    counts = [count for _, _, count in found["confused"]]
    assert len(counts) == 1000
    assert counts == sorted(counts, reverse=True)
    assert all(right != predicted for right, predicted, _ in found["confused"])


def test_a_model_is_asked_without_each_input_and_by_slices(
    tiny_manifest: Path, tmp_path: Path, reporter: Reporter
) -> None:
    data = prepare(tiny.recipe(tiny_manifest), cache_dir=tmp_path / "cache", reporter=reporter)
    asked: list[set[str]] = []

    def predict(examples: Examples) -> dict[str, np.ndarray]:
        """Right, where the tags are given; blue elsewhere."""
        asked.append({name for name, given in examples.present.items() if not given.any()})
        said = np.where(examples.present["tags"], examples.targets["colour"], 0)
        return {"colour": np.eye(3, dtype=np.float32)[said]}

    about = About({"colour": ("red",)}, slices={"side": Encoded.of(["left", "right"] * 6)})
    figures = evaluate(data.recipe.spec, data.test, predict, {}, about).figures["colour"]

    assert asked == [set(), {"image"}, {"text"}, {"tags"}, {"text", "tags"}]
    values = {name: one["accuracy"]["value"] for name, one in figures["absent"].items()}
    blue = (data.test.targets["colour"] == 0).mean()
    assert values == pytest.approx({"image": 1, "text": 1, "tags": blue, "picture": 1, "words": blue})
    assert {name: one["examples"] for name, one in figures["slices"]["side"].items()} == {"left": 6, "right": 6}
    assert figures["metrics"]["accuracy"]["value"] == 1


def test_many_values_make_twenty_slices_and_the_rest() -> None:
    values = [f"v{number}" for number in range(30) for _ in range(1 + number)] + [""] * 99
    parts = parts_of(Encoded.of(values))

    assert list(parts)[:2] == ["(empty)", "v29"]
    assert list(parts)[-1] == "(11 other values)"
    assert len(parts) == 21
    assert np.sum(list(parts.values()), axis=0).tolist() == [1] * len(values)


def test_values_that_none_of_the_rows_has_make_no_slice_and_equal_ones_are_in_order() -> None:
    column = Encoded(np.array([3, 1, 3, 1, 0], np.int32), ["c", "b", "gone", "a"])

    assert {name: rows.tolist() for name, rows in parts_of(column).items()} == {
        "a": [True, False, True, False, False],
        "b": [False, True, False, True, False],
        "c": [False, False, False, False, True],
    }


def test_one_long_cell_does_not_make_all_others_as_wide(
    tiny_manifest: Path, tmp_path: Path, reporter: Reporter
) -> None:
    recipe = labelled(rewritten(tiny_manifest, tmp_path / "long.csv", group="long " * 40_000))
    tracemalloc.start()
    found = rows_of(recipe, tmp_path, reporter, slices=("group",)).slices["group"]
    parts_of(found)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 20_000_000  # 60 cells as wide as this one would be 48 MB
    assert len(found.values[found.codes[0]]) == 199_999


def test_inputs_without_influence_keep_their_columns_and_a_lone_one_stands_once() -> None:
    same = made_up_figures()["metrics"]
    absent = dict.fromkeys(("photo", "title", "text", "picture", "words"), same)
    figures = made_up_figures(commonest=["blue"], absent=absent, slices={})
    spec = ModelSpec.parse(
        {
            "inputs": {"photo": {"kind": "image"}, "title": {"kind": "text"}, "text": {"kind": "text"}},
            "branches": {"photo": {"kind": "conv"}, "title": {"kind": "embedding"}, "text": {"kind": "embedding"}},
            "heads": {"colour": {"kind": "single_label"}},
        },
        what="spec",
    )

    header = list(telling.lines("colour", figures, withheld=worth_withholding(spec)))[1]
    assert header.split("all inputs")[1].split() == [
        *("without", "photo", "without", "title", "without", "text", "without", "words")
    ]


def test_a_slice_with_a_long_value_does_not_make_every_line_as_long() -> None:
    one = {"examples": 1, "metrics": {name: measured(0.5) for name in telling.OF_SLICE}}
    figures = made_up_figures(commonest=["blue"], absent={}, slices={"shop": {"long\n" * 9999: one, "b": one}})

    lines = list(telling.lines("colour", figures, withheld={"image", "text", "tags", "words"}))
    assert max(map(len, lines)) < 300
    assert lines[-2].startswith("  long long long")


def test_of_its_own_manifest_the_test_rows_are_measured_and_of_another_all(
    tiny_manifest: Path, tmp_path: Path, reporter: Reporter
) -> None:
    data = prepare(tiny.recipe(tiny_manifest), cache_dir=tmp_path / "cache", reporter=reporter)
    own = rows_of(labelled(tiny_manifest), tmp_path, reporter, trained_on=data.digest, slices=("group",))
    other = rows_of(labelled(tiny_manifest), tmp_path, reporter, trained_on="another")
    training = rows_of(labelled(tiny_manifest), tmp_path, reporter, trained_on=data.digest, split="train")

    assert own.split == "test"
    assert own.examples.rows.tolist() == data.test.rows.tolist()
    groups = own.slices["group"]
    assert [groups.values[code] for code in groups.codes] == [
        f"g{(row - 1) // 2}" for row in own.examples.rows.tolist()
    ]
    assert (other.split, len(other.examples)) == ("all", 60)
    assert len(training.examples) == len(data.train)


def test_labels_that_the_model_does_not_know_are_named_or_counted(
    tiny_manifest: Path, tmp_path: Path, reporter: Reporter
) -> None:
    newer = labelled(rewritten(tiny_manifest, tmp_path / "newer.csv", label="pink"))

    with pytest.raises(ManifestError, match=r"head 'colour' of the model does not know: 'pink' \(1 row\). Leave"):
        rows_of(newer, tmp_path, reporter)
    found = rows_of(newer, tmp_path, reporter, skip_unknown_labels=True)
    assert found.unknown == {"colour": {"pink": 1}}
    assert len(found.examples) == 59
    assert 1 not in found.examples.rows


def test_groups_and_splits_that_another_manifest_lacks_are_done_without(
    tiny_manifest: Path, tmp_path: Path, reporter: Reporter
) -> None:
    table = pl.read_csv(rewritten(tiny_manifest, tmp_path / "some.csv")).drop("split", "group")
    table.write_csv(tmp_path / "newer.csv")
    recipe = labelled(tmp_path / "newer.csv").replace(data={"group": "group"})

    found = rows_of(recipe, tmp_path, reporter)
    assert (len(found.examples), found.groups) == (60, None)
    with pytest.raises(ManifestError, match="has no column 'split'"):
        rows_of(recipe, tmp_path, reporter, split="test")


def test_the_rows_know_what_their_groups_are_called(tiny_manifest: Path, tmp_path: Path, reporter: Reporter) -> None:
    recipe = labelled(rewritten(tiny_manifest, tmp_path / "newer.csv", group="")).replace(data={"group": "group"})

    found = rows_of(recipe, tmp_path, reporter, split="train")
    assert found.group_keys is not None
    assert found.group_keys.tolist() == [f"g{(row - 1) // 2}" if row > 1 else "" for row in found.examples.rows]


def said(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.output


def test_a_run_is_measured_as_it_is_served(tiny_fitted: Fitted, tmp_path: Path) -> None:
    text = said(tiny_fitted.run.path, "--slice", "group", "--out", tmp_path / "out", "--cache-dir", tmp_path / "cache")

    told = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (told["split"], told["rows"], told["bad_rows"]) == ("test", 12, 0)
    trained = json.loads((tiny_fitted.run.path / "metrics.json").read_text())["test"]["colour"]
    for name, one in trained["metrics"].items():
        assert told["figures"]["colour"]["metrics"][name] == pytest.approx(one, abs=1e-4)
    assert told["figures"]["colour"]["majority"] == trained["majority"]
    assert set(told["figures"]["colour"]["slices"]["group"]) >= {"g6", "g7"}
    assert len(pl.read_csv(tmp_path / "out" / "predictions.csv")) == 12
    assert "12 rows of the split 'test' of manifest.csv" in text
    assert "learned from" not in text
    accuracy = trained["metrics"]["accuracy"]
    assert f"accuracy                 {accuracy['value']:.3f} [{accuracy['low']:.3f}, {accuracy['high']:.3f}]" in text


def test_a_row_of_a_matrix_is_a_line(tiny_fitted: Fitted) -> None:
    for file in (tiny_fitted.run.path / "metrics.json", tiny_fitted.run.bundle / "assets.extra" / "bifocal.json"):
        text = file.read_text(encoding="utf-8")

        assert len(re.findall(r"^ +\[\d+, \d+, \d+\],?$", text, re.MULTILINE)) == 3, file


def test_a_bundle_is_measured_on_other_rows_and_bad_ones_are_told(
    tiny_fitted: Fitted, tiny_manifest: Path, tmp_path: Path
) -> None:
    rows = rewritten(tiny_manifest, tmp_path / "newer.csv", image="nowhere.png")
    table = pl.read_csv(rows)
    pl.concat([table, table[1:]]).write_csv(rows)  # so that one bad row is below one in a hundred
    text = said(tiny_fitted.run.bundle, rows, "--cache-dir", tmp_path / "cache")

    assert "118 rows of newer.csv" in text
    assert "learned from" not in text  # of a bundle without its run that is not known
    assert "warning: 1 row can't be used, left out:\n  row 1: " in text
    assert "without text" in text


def test_rows_that_it_learned_from_are_told_and_more_bad_ones_can_be_let_pass(
    tiny_fitted: Fitted, tiny_manifest: Path, tmp_path: Path
) -> None:
    rows = rewritten(tiny_manifest, tmp_path / "newer.csv", image="nowhere.png")
    learned = tiny_fitted.run.contents()
    assert learned is not None

    text = said(tiny_fitted.run.path, rows, "--cache-dir", tmp_path / "cache", "--max-bad", "0.1")

    (told,) = re.findall(r"the model learned from (\d+) of these rows", text)
    assert int(told) in (len(learned), len(learned) - 1)  # the bad row may have been one of them


def test_a_bundle_needs_a_manifest(tiny_fitted: Fitted) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(tiny_fitted.run.bundle)])

    assert isinstance(done.exception, ManifestError)
    assert "which does not say where its rows are. Give a MANIFEST." in str(done.exception)


@pytest.fixture
def copied(tiny_fitted: Fitted, tmp_path: Path) -> Run:
    return Run(Path(shutil.copytree(tiny_fitted.run.path, tmp_path / "runs" / "tiny")))


def test_a_run_or_a_bundle_is_not_written_into(copied: Run) -> None:
    before = {path: path.read_bytes() for path in copied.path.iterdir() if path.is_file()}
    for folder, what in ((copied.path, "run folder"), (copied.bundle, "bundle")):
        done = CliRunner().invoke(app, ["evaluate", str(copied.path), "--out", str(folder)])

        assert isinstance(done.exception, StorageError)
        assert f"--out: {folder} is a {what}, whose own files must stay as they are. Choose" in str(done.exception)
        assert done.output == ""  # nothing was measured for nothing
    assert {path: path.read_bytes() for path in copied.path.iterdir() if path.is_file()} == before


def test_a_folder_that_can_not_be_written_is_told_before_anything_is_measured(copied: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    done = CliRunner().invoke(app, ["evaluate", str(copied.path), "--out", str(tmp_path / "file" / "out")])

    assert isinstance(done.exception, StorageError)
    assert "out can't be written: Not a directory. Choose another with --out." in str(done.exception)
    assert done.output == ""


def test_the_columns_and_pictures_of_the_run_are_used_again(
    copied: Run, tiny_fitted: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def refuse(recipe: Recipe, wanted: Wanted, *, cache_dir: Path, reporter: Reporter) -> Rows:
        asked.append(cache_dir)
        raise ManifestError("not read")

    monkeypatch.setattr(rows_module, "read", refuse)
    for cache in (tmp_path / "fast", tmp_path / "gone"):
        copied.write_request(copied.request().model_copy(update={"cache": cache}))
        (tmp_path / "fast").mkdir(exist_ok=True)
        CliRunner().invoke(app, ["evaluate", str(copied.path)])
    (copied.path / "fit.json").unlink()
    CliRunner().invoke(app, ["evaluate", str(copied.path)])

    assert asked == [tmp_path / "fast", *[tmp_path / "runs" / ".cache"] * 2]


def test_files_are_written_whole_or_not_at_all(tiny_fitted: Fitted, tmp_path: Path) -> None:
    """The figures come last: where they are, all is there."""
    (tmp_path / "metrics.json").mkdir()
    (tmp_path / "bad_rows.csv").write_text("row,reason\n1,of another time\n")
    arguments = [str(tiny_fitted.run.path), "--out", str(tmp_path), "--cache-dir", str(tmp_path / "cache")]
    done = CliRunner().invoke(app, ["evaluate", *arguments])

    assert isinstance(done.exception, StorageError)
    assert {path.name for path in tmp_path.iterdir()} == {"metrics.json", "predictions.csv", "cache"}
