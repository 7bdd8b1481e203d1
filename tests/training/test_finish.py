"""What follows a training: what the test writes, and a report that can't be made."""

from __future__ import annotations

import io
import json
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from model.errors import StorageError
from tests import tiny
from training import finish
from training.fit import Fitted, learn_vocabularies
from training.prepare import prepare
from training.progress import Reporter
from training.reuse import Reuse
from training.runs import Run
from training.seeds import train_seeds
from training.session import Session
from training.stopping import Stop


@pytest.fixture(scope="module")
def tested(tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with groups whose head adds what its branches say alone, up to the test."""
    home, reporter = tmp_path_factory.mktemp("tested"), Reporter(Console(file=io.StringIO()))
    head = {"kind": "single_label", "auxiliary_weight": 1.0, "add_auxiliary": True}
    recipe = tiny.only(tiny.recipe(tiny_manifest, epochs=1), "text", "tags")
    recipe = recipe.replace(data={"group": "group"}, spec={"heads": {"colour": head}})
    data, run = prepare(recipe, cache_dir=home / "cache", reporter=reporter), Run.create(home, "tiny")
    session = Session(run, data, learn_vocabularies(data, run, Reuse(None)), reporter, Stop())
    finish.test(session, train_seeds(session, 1))
    return run.path


def test_the_metrics_say_how_much_each_answer_counts(tested: Path) -> None:
    shares = json.loads((tested / "metrics.json").read_text(encoding="utf-8"))["shares"]

    assert list(shares) == ["colour"]
    assert list(shares["colour"]) == ["merged", "text", "tags"]
    assert min(shares["colour"].values()) >= 0
    assert set(shares["colour"].values()) != {1.0}


def test_a_head_that_adds_nothing_has_no_weights(tiny_fitted: Fitted) -> None:
    assert "shares" not in tiny_fitted.metrics


def test_the_predictions_say_which_group_a_row_is_of(tested: Path) -> None:
    table = pl.read_csv(tested / "predictions.csv")

    assert table.columns[:3] == ["row", "group", "colour.label"]
    assert table["group"].to_list() == [f"g{(row - 1) // 2}" for row in table["row"]]


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (MemoryError("no room for a tensor"), "MemoryError: no room for a tensor"),
        (StorageError("The disk is full."), "The disk is full"),
    ],
)
def test_a_report_that_can_not_be_made_ends_no_training(
    error: Exception, what: str, tested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = io.StringIO()
    session = Session(Run(tested), None, {}, Reporter(Console(file=spoken)), Stop())  # type: ignore[arg-type]

    def fails(_: Path) -> None:
        raise error

    monkeypatch.setattr(finish, "write_report", fails)
    finish.report(session)

    told = " ".join(spoken.getvalue().split())
    assert told == f"warning: there is no report: {what}. To try again: bifocal-training report {tested}"
