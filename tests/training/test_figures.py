"""Figures of a head, and that they are the same however they are computed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from model.errors import SpecError
from model.spec import Head, MultiLabelHead, SingleLabelHead
from training.evaluation import resampled
from training.evaluation.bootstrap import Draws, replicate
from training.evaluation.figures import bins_of, chosen, figure, figures, names
from training.evaluation.resampled import Ranking, Resampled

ONE = SingleLabelHead(labels=("a", "b", "c"))
TWO = SingleLabelHead(labels=("no", "yes"))
MANY = MultiLabelHead(labels=("a", "b", "c"))

# Three rows are right, the fourth says b of an a.
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.3, 0.6], [0.3, 0.5, 0.2]], np.float32)
TARGETS = np.array([0, 1, 2, 0], np.int32)
SETS = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 0]], bool)


def made_up(head: Head, rows: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.generic]]:
    """Probabilities with many equals, and targets of which the last label is rare."""
    random = np.random.default_rng(seed)
    classes = len(head.labels)
    if isinstance(head, MultiLabelHead):
        right = random.random((rows, classes)) < 0.5 / np.arange(1, classes + 1) ** 2
        logits = random.normal(size=right.shape) + 2 * right - 1
        return (1 / (1 + np.exp(-logits))).round(1).astype(np.float32), right
    targets = np.minimum(random.geometric(0.5, rows) - 1, classes - 1).astype(np.int32)
    logits = random.normal(size=(rows, classes))
    logits[np.arange(rows), targets] += 1
    chances = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).round(1) + 0.01
    return (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32), targets


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 3 / 4),
        ("micro_f1", 3 / 4),
        ("balanced_accuracy", (1 / 2 + 1 + 1) / 3),
        ("macro_f1", (2 / 3 + 2 / 3 + 1) / 3),
        ("roc_auc", (1 + 1 + 1) / 3),
        ("log_loss", -np.log([0.8, 0.7, 0.6, 0.3]).mean()),
        ("brier", (0.06 + 0.14 + 0.26 + 0.78) / 4),
        ("ece", (0.2 + 0.3 + 0.4 + 0.5) / 4),  # each in a bin of its own
    ],
)
def test_figures_of_a_single_label_head(name: str, value: float) -> None:
    assert figure(name, ONE, PROBABILITIES, TARGETS) == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", (1 + 1 / 2 + 0 + 1 / 2) / 4),
        ("subset_accuracy", 1 / 4),
        ("micro_f1", 2 * 3 / (4 + 5)),
        ("macro_f1", (2 / 3 + 1 + 0) / 3),
        ("balanced_accuracy", ((1 / 2 + 1) / 2 + 1 + (0 + 2 / 3) / 2) / 3),
        ("roc_auc", (1 + 1 + 1 / 6) / 3),
        ("average_precision", (1 + 1 + 1 / 4) / 3),
    ],
)
def test_figures_of_a_multi_label_head(name: str, value: float) -> None:
    assert figure(name, MANY, PROBABILITIES, SETS) == pytest.approx(value, abs=1e-6)


def test_thresholds_say_which_labels_are_given() -> None:
    at = np.array([0.3, 0.5, 0.6])

    assert chosen(PROBABILITIES, at)[3].tolist() == [True, True, False]
    assert figure("subset_accuracy", MANY, PROBABILITIES, SETS, at) == 2 / 4


def test_an_area_is_undefined_where_all_rows_are_alike() -> None:
    assert np.isnan(figure("roc_auc", MANY, PROBABILITIES, np.zeros((4, 3), bool)))
    assert np.isnan(figure("macro_f1", MANY, PROBABILITIES, np.zeros((4, 3), bool)))
    assert figure("micro_f1", MANY, PROBABILITIES, np.zeros((4, 3), bool)) == 0


def test_an_unknown_figure_is_named_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="A single_label head has no figure 'acuracy'; did you mean 'accuracy'"):
        figure("acuracy", ONE, PROBABILITIES, TARGETS)


def test_a_bin_holds_its_upper_end() -> None:
    assert bins_of(np.array([0.0, 1 / 15, 0.0667, 1.0])).tolist() == [0, 0, 1, 14]


@pytest.mark.parametrize("head", [ONE, TWO, MANY, MultiLabelHead(labels=("a",))], ids=["one", "two", "many", "single"])
def test_figures_of_resamples_are_those_of_scikit_learn_on_the_same_rows(head: Head) -> None:
    probabilities, targets = made_up(head, 60)
    at = np.full(len(head.labels), 0.3) if isinstance(head, MultiLabelHead) else None
    statistics = Resampled(head, probabilities, targets, at, by_class=True)
    draws = Draws(60, 5, groups=np.arange(60) // 2)

    found = replicate(statistics, draws).drawn
    for row, values in zip(draws.indices(), found, strict=True):
        expected = figures(head, probabilities[row], targets[row], at)
        assert dict(zip(names(head), values, strict=False)) == pytest.approx(dict(expected), abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("head", [ONE, MANY], ids=["one", "many"])
def test_figures_of_a_class_are_those_of_scikit_learn_too(head: Head) -> None:
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support

    probabilities, targets = made_up(head, 80)
    statistics = Resampled(head, probabilities, targets, by_class=True)
    found = dict(zip(statistics.names, statistics(np.ones((1, 80)))[0], strict=True))
    several = isinstance(head, MultiLabelHead)
    if not several:
        probabilities = probabilities / probabilities.sum(axis=1, keepdims=True, dtype=np.float64)
    right = targets.astype(int) if several else np.eye(3, dtype=int)[targets]
    predicted = (probabilities >= 0.5).astype(int) if several else np.eye(3, dtype=int)[probabilities.argmax(axis=1)]

    expected = precision_recall_fscore_support(right, predicted, zero_division=np.nan)
    for number, label in enumerate(head.labels):
        for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
            assert found[label, name] == pytest.approx(values[number], nan_ok=True)
        area = average_precision_score(right[:, number], probabilities[:, number])
        assert found[label, "average_precision"] == pytest.approx(area)


@pytest.mark.parametrize("head", [ONE, MANY], ids=["one", "many"])
def test_a_single_figure_is_the_same_as_among_all(head: Head) -> None:
    probabilities, targets = made_up(head, 60)
    counts = np.random.default_rng(1).integers(0, 3, (4, 60)).astype(np.float64)
    every = Resampled(head, probabilities, targets)

    for name in names(head):
        one = Resampled(head, probabilities, targets, figures=[name])
        assert one.names[0] == (name,)
        assert one(counts)[:, 0].tolist() == every(counts)[:, every.names.index((name,))].tolist()


@pytest.mark.parametrize(("name", "is_ranked"), [("macro_f1", False), ("roc_auc", True)])
def test_labels_are_ranked_for_areas_alone(name: str, is_ranked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    ranked: list[int] = []

    class Noticed(Ranking):
        """Says that it was made."""

        def __init__(self, scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> None:
            ranked.append(len(scores))
            super().__init__(scores, positive)

    monkeypatch.setattr(resampled, "Ranking", Noticed)

    Resampled(ONE, PROBABILITIES, TARGETS, figures=[name])

    assert bool(ranked) == is_ranked


@pytest.mark.slow
def test_a_thousand_resamples_of_ten_thousand_rows_take_seconds() -> None:
    head = SingleLabelHead(labels=tuple("abcdefghijk"))
    probabilities, targets = made_up(head, 10_000)

    started = time.process_time()
    replicate(Resampled(head, probabilities, targets, by_class=True), Draws(10_000))
    spent_s = time.process_time() - started
    started = time.process_time()
    figures(head, probabilities, targets)
    once_s = time.process_time() - started

    assert spent_s < 1000 * once_s / 10  # ten times as fast as scikit-learn a thousand times
