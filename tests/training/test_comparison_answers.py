"""Answers are calibrated before they are compared, whoever gives them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console
from scipy.special import expit, softmax

from model.spec import Head, MultiLabelHead, SingleLabelHead
from tests import tiny
from training.comparison.answers import Answers, calibrated, logits
from training.comparison.baseline import STRENGTHS, Baseline
from training.comparison.candidates import AVERAGE, LINEAR, PRODUCT, Candidate, Lineup
from training.comparison.contest import Contest, Rows, hold
from training.comparison.entrants import answers, entrants, the_two
from training.comparison.metric import Metric
from training.comparison.parts import Measured
from training.evaluation.figures import figure
from training.pipeline import Targets
from training.prepare import prepare
from training.progress import Reporter

ONE = SingleLabelHead(labels=("a", "b", "c"))
MANY = MultiLabelHead(labels=("a", "b"))
LINEUP = Lineup(
    (
        Candidate(LINEAR, "linear", "words"),
        Candidate("picture", "alone", "picture"),
        Candidate("words", "alone", "words"),
        Candidate(AVERAGE, "ensemble"),
        Candidate(PRODUCT, "ensemble"),
        Candidate("add", "merged"),
    ),
    {},
)
Logits = NDArray[np.float32]


def single(rows: int, seed: int) -> tuple[Logits, Targets]:
    """Logits that are as sure as they are right: the targets are drawn by their probabilities."""
    random = np.random.default_rng(seed)
    drawn = random.normal(0, 2, (rows, 3)).astype(np.float32)
    targets = [random.choice(3, p=chances) for chances in softmax(drawn.astype(np.float64), axis=1)]
    return drawn, np.array(targets, np.int32)


def several(rows: int, seed: int) -> tuple[Logits, Targets]:
    """The same of two labels that are rare, so that their best thresholds are far below one half."""
    random = np.random.default_rng(seed)
    drawn = random.normal(-2.5, 1.5, (rows, 2)).astype(np.float32)
    return drawn, random.random(drawn.shape) < expit(drawn)


def loss(head: Head, probabilities: NDArray[np.floating], targets: Targets) -> float:
    return figure("log_loss", head, probabilities, targets)


def contest(head: Head, too_sure: float, metric: str) -> Contest:
    """All candidates say the same, but the merged one is too sure of it."""
    draw = single if head is ONE else several
    (validation, right), (test, right_of_test) = draw(400, 0), draw(200, 1)

    def measured(times: float) -> list[Measured]:
        return [Measured(0, 1.0, 1, {}, {"head": times * validation}, {"head": times * test})]

    said = {one.name: measured(too_sure if one.name == "add" else 1) for one in LINEUP.candidates}
    for name in (AVERAGE, PRODUCT):
        said.pop(name)
    rows = Rows(head, right, right, right_of_test)
    found = answers(said, "head", rows)
    pair = the_two(LINEUP, found, rows, Metric(metric))
    return hold(entrants(LINEUP, found, pair, rows), rows, Metric(metric))


@pytest.mark.parametrize("metric", ["log_loss", "brier"])
def test_a_network_that_is_too_sure_does_as_well_as_one_that_is_not(metric: str) -> None:
    found = contest(ONE, 4.0, metric)

    assert found.gain.value == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", [AVERAGE, PRODUCT])
def test_an_ensemble_of_two_that_say_the_same_is_no_surer_than_they_are(name: str) -> None:
    found = contest(ONE, 1.0, "log_loss")

    assert found.standings[name].gain.value == pytest.approx(0, abs=1e-3)


def test_labels_are_given_from_the_thresholds_that_are_served() -> None:
    (validation, right), (test, right_of_test) = several(400, 0), several(200, 1)
    said = calibrated(MANY, validation, test, right)
    assert said.thresholds is not None

    found = contest(MANY, 1.0, "macro_f1")

    served = figure("macro_f1", MANY, said.test, right_of_test, said.thresholds)
    assert said.thresholds.max() < 0.45
    assert found.best_merged.test.value == pytest.approx(served)
    assert served > figure("macro_f1", MANY, said.test, right_of_test) + 0.03
    assert found.best_merged.validation == pytest.approx(
        figure("macro_f1", MANY, said.validation, right, said.thresholds)
    )


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_thresholds_count_on_resamples_too(metric: str) -> None:
    probabilities = np.array([[0.4, 0.1], [0.2, 0.6]], np.float32)
    right = np.array([[True, False], [False, True]])

    counted = Metric(metric).on(MANY, probabilities, right, np.array([0.3, 0.5]))

    assert counted(np.ones((1, 2))) == pytest.approx(1)
    assert Metric(metric).on(MANY, probabilities, right)(np.ones((1, 2))) < 1


@pytest.mark.parametrize(("head", "draw"), [(ONE, single), (MANY, several)])
def test_logits_have_the_probabilities_that_they_are_made_of(head: Head, draw: object) -> None:
    drawn, targets = draw(30, 0)  # type: ignore[operator]
    probabilities = (expit if head is MANY else lambda values: softmax(values, axis=1))(drawn)

    again = (expit if head is MANY else lambda values: softmax(values, axis=1))(logits(head, probabilities))

    assert again == pytest.approx(probabilities, abs=1e-5)
    assert np.isfinite(logits(head, np.eye(len(head.labels)))).all()
    assert isinstance(calibrated(head, drawn, drawn, targets), Answers)


def test_the_strength_of_the_baseline_is_chosen_by_its_calibrated_answers(tmp_path: Path) -> None:
    recipe = tiny.recipe(tiny.write_manifest(tmp_path / "data"))
    data = prepare(recipe, cache_dir=tmp_path / "cache", reporter=Reporter(Console(quiet=True)))
    data = replace(data, val=data.train)  # of which there are enough for a temperature
    judged: list[float] = []

    def score(head: Head, probabilities: NDArray[np.float32], targets: Targets, _: object) -> tuple[float, float]:
        judged.append(loss(head, probabilities, targets))
        return -judged[-1], 0.0

    Baseline.learn(data, ["colour"], score)

    # The stronger the regularization the less sure, and no less right: a temperature puts that straight.
    raw = Baseline.learn(data, ["colour"], score, {"colour": STRENGTHS[0]}).probabilities(data.val)["colour"]
    assert judged[0] < loss(data.recipe.spec.heads["colour"], raw, data.val.targets["colour"]) / 2
