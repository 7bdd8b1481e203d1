"""Runs listed, and two of them compared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.errors import SpecError, StorageError
from tests import tiny
from tests.training import made_up_run
from tests.training.made_up_run import LABELS, epochs, figures, rows
from training import run_listing
from training.cli import app
from training.fit import Fitted
from training.recipe import Recipe
from training.run_difference import difference


def recipe(name: str = "tiny", **training: object) -> Recipe:
    return tiny.recipe(Path("/data/manifest.csv"), name=name, **training).with_labels({"colour": LABELS})


def answers(wrong: int, first: int = 1) -> str:
    return rows({row: ("red", "blue" if row < first + wrong else "red", 0.8) for row in range(first, first + 40)})


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two finished runs, one that can be gone on with, one that failed."""
    good = {"test": {"colour": figures()}, "parameters": 1234, "seconds": 61.2}
    poor = {"test": {"colour": figures([[30, 10, 0], [0, 40, 0], [0, 0, 40]])}, "parameters": 99, "seconds": 5.0}
    folder = tmp_path / "runs"
    made_up_run.folder(
        folder / "tiny-20260102-030405",
        recipe(epochs=2),
        metrics=good,
        predictions=answers(2),
        log=epochs([1, 1], [1, 1]),
    )
    made_up_run.folder(
        folder / "tiny-20260103-030405-2", recipe(learning_rate=0.01), metrics=poor, predictions=answers(20)
    )
    going = made_up_run.folder(folder / "other-20260104-030405", recipe("other"), log=epochs([1], [1]))
    (going / "fit.json").write_text(json.dumps({"models": str(tmp_path / "models"), "cache": "."}), encoding="utf-8")
    made_up_run.folder(folder / "other-20260101-030405", recipe("other"))
    (folder / ".cache").mkdir()
    return folder


def said(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, ["runs", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def test_runs_are_listed_the_latest_first(runs: Path) -> None:
    lines = said("--runs-dir", runs).splitlines()

    assert lines[0].split() == [
        "run",
        "started",
        "state",
        "epochs",
        "rows",
        "test",
        "accuracy",
        "weights",
        "time",
        "version",
    ]
    assert [line.split()[0] for line in lines[1:5]] == [
        "other-20260104-030405",
        "tiny-20260103-030405-2",
        "tiny-20260102-030405",
        "other-20260101-030405",
    ]
    assert lines[1].split()[1:] == ["2026-01-04", "03:04", "interrupted", "1/12"]
    assert lines[3].split()[1:] == [
        "2026-01-02",
        "03:04",
        "finished",
        "2/2",
        "1.000",
        "[0.980,",
        "1.020]",
        "1,234",
        "61",
        "s",
    ]
    assert lines[4].split()[3] == "failed"
    assert lines[5] == f"other-20260104-030405: go on: bifocal-training fit --resume {runs / 'other-20260104-030405'}"


def test_they_are_sorted_by_a_metric_and_filtered_by_name(runs: Path) -> None:
    lines = said("--runs-dir", runs, "--sort", "balanced_accuracy", "--name", "tiny").splitlines()

    assert "test balanced accuracy" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == ["tiny-20260102-030405", "tiny-20260103-030405-2"]
    listed = [run_listing.read(path) for path in run_listing.find(runs)]
    assert [run.parameters for run in run_listing.in_order(listed, "log_loss")][2:] == [None, None]
    with pytest.raises(SpecError, match=r"--sort: no key 'accurcy'; did you mean 'accuracy'"):
        run_listing.in_order(listed, "accurcy")


def test_as_json_all_is_there(runs: Path) -> None:
    told = json.loads(said("--runs-dir", runs, "--json", "tiny-20260102-030405"))

    assert told[0]["name"] == "tiny"
    assert told[0]["started"] == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).isoformat()
    assert told[0]["metrics"]["colour"]["ece"]["value"] == 0.02


def test_a_run_says_which_version_it_became(tiny_fitted: Fitted) -> None:
    listed = run_listing.read(tiny_fitted.run.path)

    assert listed.state == "finished"
    assert listed.rows == {"train": 36, "val": 12, "test": 12}
    assert tiny_fitted.published is not None
    assert listed.published == [int(tiny_fitted.published.name)]


def test_a_run_of_another_build_is_listed_with_the_reason(runs: Path) -> None:
    (runs / "other-20260101-030405" / "recipe.yaml").write_text("name: other\nnew_key: 1\n", encoding="utf-8")

    assert "other-20260101-030405: recipe" in said("--runs-dir", runs)


def test_what_is_not_there_is_told_with_what_is(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no run 'tiny-20260102'.* did you mean 'tiny-20260102-030405'"):
        run_listing.resolve("tiny-20260102", runs)
    with pytest.raises(StorageError, match=r"There is no folder .*none"):
        run_listing.find(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert said("--runs-dir", tmp_path / "empty") == "There are no runs here.\n"


def test_two_runs_differ_in_what_differs(runs: Path) -> None:
    text = said("--runs-dir", runs, "tiny-20260102-030405", "tiny-20260103-030405-2")

    assert "training.learning_rate" in text
    assert "training.batch_size" not in text
    assert "libraries: the same" in text
    assert "1.000 [0.980, 1.020]" in text
    words = " ".join(text.split())
    assert "accuracy of colour on the same test rows, tiny-20260103-030405-2 less tiny-20260102-030405: -45.0" in words
    assert words.endswith("tiny-20260103-030405-2 is worse")


def test_the_difference_is_paired_on_the_same_rows_alone(runs: Path, tmp_path: Path) -> None:
    first, second = runs / "tiny-20260102-030405", runs / "tiny-20260103-030405-2"
    gain = difference(first, second).gains["colour"]
    assert (gain.value, gain.high < 0) == (pytest.approx(-18 / 40), True)

    elsewhere = made_up_run.folder(
        tmp_path / "elsewhere", recipe(), metrics={"test": {"colour": figures()}}, predictions=answers(2, first=2)
    )
    found = difference(first, elsewhere)
    assert found.gains == {}
    assert "tested on other rows" in found.unpaired["colour"]


def grouped(folder: Path, name: str, wrong: set[int], *, tells: bool, group: str | None = "shop") -> Path:
    """A run on 12 groups of 4 test rows; it is wrong in all rows of some groups."""
    header, *lines = rows({row: ("red", "blue" if row // 4 in wrong else "red", 0.8) for row in range(48)}).splitlines()
    if tells:
        header = header.replace("row,", "row,group,")
        lines = [line.replace(",", f",s{row // 4},", 1) for row, line in enumerate(lines)]
    return made_up_run.folder(
        folder / name,
        recipe().replace(data={"group": group}),
        metrics={"test": {"colour": figures()}},
        predictions="\n".join([header, *lines]) + "\n",
    )


def test_rows_of_one_group_are_drawn_together(tmp_path: Path) -> None:
    a = grouped(tmp_path, "a", {0, 1}, tells=True)
    b = grouped(tmp_path, "b", {2, 3, 4, 5, 6}, tells=True)
    found = difference(a, b)

    assert found.gains["colour"].value == pytest.approx(-0.25)
    assert found.gains["colour"].high > 0  # 7 of 12 groups differ: no more than chance
    assert found.cautions == {}
    without = [
        grouped(tmp_path / "without", path.name, wrong, tells=False, group=None)
        for path, wrong in ((a, {0, 1}), (b, {2, 3, 4, 5, 6}))
    ]
    alone = difference(*without)
    assert (alone.gains["colour"].high < 0, alone.cautions) == (True, {})


def test_the_groups_of_either_run_are_enough_and_those_of_neither_are_missed(tmp_path: Path) -> None:
    told = grouped(tmp_path, "told", {0, 1}, tells=True)
    old, older = (grouped(tmp_path, name, {2, 3, 4, 5, 6}, tells=False) for name in ("old", "older"))

    assert difference(told, old).gains["colour"].high > 0
    assert difference(old, told).cautions == {}
    assert "this interval is too narrow" in difference(old, older).cautions["colour"]
    assert "warning: the recipe has groups, and predictions.csv of neither run says" in said(old, older)
    assert json.loads(said("--json", old, older))["cautions"].keys() == {"colour"}


def test_rows_without_a_group_stand_for_themselves(tmp_path: Path) -> None:
    a, b = (grouped(tmp_path, name, wrong, tells=True) for name, wrong in (("a", {0, 1}), ("b", {2, 3, 4, 5, 6})))
    for path in (a, b):
        text = (path / "predictions.csv").read_text(encoding="utf-8")
        (path / "predictions.csv").write_text(re.sub(r",s\d+,", ",,", text), encoding="utf-8")

    assert difference(a, b).gains["colour"].high < 0


def test_the_metric_of_a_run_is_that_of_the_first_head_that_has_it(runs: Path) -> None:
    listed = run_listing.read(runs / "tiny-20260102-030405")
    two = replace(listed, metrics={"a": {"roc_auc": None}, "b": {"roc_auc": {"value": 0.7}}})
    three = replace(listed, metrics={"a": {"roc_auc": None}, "b": {}})

    assert two.metric("roc_auc") == {"value": 0.7}
    assert three.metric("roc_auc") is None
    assert run_listing.in_order([three, two], "roc_auc") == [two, three]


def test_of_several_labels_the_shared_ones_count(tmp_path: Path) -> None:
    data = recipe().model_dump()
    data["spec"]["heads"] = {"colour": {"kind": "multi_label", "labels": ["a", "b"], "delimiter": ";"}}
    several = Recipe.parse(data, what="recipe")
    header = "row,colour.label,colour.predicted,colour:a,colour:b\n"
    metrics = {"test": {"colour": figures(labels=("a", "b", "c"))}}
    paths = [
        made_up_run.folder(tmp_path / name, several, metrics=metrics, predictions=header + text)
        for name, text in (("a", "1,a;b,a,1,0\n2,,,0,0\n"), ("b", "2,,b,0,1\n1,a;b,a;b,1,1\n"))
    ]
    gain = difference(paths[0], paths[1]).gains["colour"]

    assert gain.value == pytest.approx((0.5 - 1.0) / 2)  # half more of row 1, all of row 2 less
