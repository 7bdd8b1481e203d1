"""Bootstrap intervals: what they hold, and how often that is the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from sklearn.metrics import f1_score

from benchmarks.bootstrap_coverage import of_accuracy
from training.evaluation.bootstrap import Draws, interval, intervals, mean, paired, paired_accuracy
from training.evaluation.calibration_error import interval as calibration_interval

RIGHT = np.arange(200) < 170


@pytest.mark.parametrize(
    ("rows", "accuracy"),
    [(100, 0.6), (100, 0.95), (200, 0.9), pytest.param(2000, 0.7, marks=pytest.mark.slow)],
)
def test_of_an_accuracy_as_many_intervals_hold_the_truth_as_they_should(rows: int, accuracy: float) -> None:
    likely = [right for right in range(rows + 1) if binom.pmf(right, rows, accuracy) > 1e-3]
    held = 0.0
    for right in likely:
        found = of_accuracy(rows, right, seed=right).interval(0, bounds=(0.0, 1.0))
        assert found is not None
        held += binom.pmf(right, rows, accuracy) * (found.low <= accuracy <= found.high)

    assert 0.93 <= held <= 0.97


def test_an_interval_is_about_that_of_the_binomial() -> None:
    found = mean(RIGHT)
    exact = binomtest(170, 200).proportion_ci(0.95, method="wilson")

    assert found.value == 0.85
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.006)


def test_an_interval_of_few_rows_is_not_bound_to_their_steps() -> None:
    found = mean(np.arange(10) < 5, resamples=5000)

    assert found.low + found.high == pytest.approx(1, abs=0.02)  # as far to one side as to the other
    assert all(abs(10 * end - round(10 * end)) > 0.02 for end in (found.low, found.high))


@pytest.mark.parametrize(("scores", "low", "high"), [(np.ones(50), 0.929, 1.0), (np.zeros(50), 0.0, 0.071)])
def test_what_is_the_same_in_every_row_is_not_certain(scores: np.ndarray, low: float, high: float) -> None:
    found = mean(scores)

    assert (found.low, found.high) == pytest.approx((low, high), abs=0.001)


def test_the_same_seed_draws_the_same_and_another_one_does_not() -> None:
    assert mean(RIGHT, seed=3) == mean(RIGHT, seed=3) != mean(RIGHT, seed=4)


def test_a_group_counts_as_a_whole() -> None:
    groups = np.repeat(np.arange(40), 5)
    ordered = np.sort(RIGHT)  # a group is right or wrong as one
    counts = next(iter(Draws(200, 50, groups=groups)))[0]

    assert (counts.reshape(50, 40, 5) == counts.reshape(50, 40, 5)[:, :, :1]).all()
    assert counts.sum(axis=1).tolist() == [200.0] * 50
    wide, narrow = mean(ordered, groups=groups), mean(ordered)
    assert wide.high - wide.low > 1.7 * (narrow.high - narrow.low)
    assert mean(ordered, groups=np.arange(200)) == narrow


def test_indices_are_the_rows_that_are_counted() -> None:
    draws = Draws(30, 4, seed=1)
    counts = np.concatenate([counts for counts, _ in draws])

    assert [np.bincount(rows, minlength=30).tolist() for rows in draws.indices()] == counts.tolist()


def test_any_figure_has_an_interval_and_one_of_counts_the_same() -> None:
    random = np.random.default_rng(0)
    targets, predicted = random.integers(2, size=60), random.integers(2, size=60)

    found = interval(lambda rows: float(f1_score(targets[rows], predicted[rows])), 60, resamples=100)

    def quick(counts: np.ndarray) -> np.ndarray:
        both = counts @ (targets & predicted)
        return (2 * both / (counts @ targets + counts @ predicted))[:, np.newaxis]

    (same,) = intervals(quick, Draws(60, 100))
    assert found is not None
    assert same is not None
    assert (same.value, same.low, same.high) == pytest.approx((found.value, found.low, found.high))


def test_a_figure_that_is_undefined_has_none_and_one_that_sometimes_is_has_one() -> None:
    values = np.array([1.0, *[0.0] * 9])

    def undefined_without_the_first(counts: np.ndarray) -> np.ndarray:
        return np.stack(
            [np.where(counts[:, 0] > 0, counts @ values / 10, np.nan), np.full(len(counts), np.nan)], axis=1
        )

    first, never = intervals(undefined_without_the_first, Draws(10))
    assert first is not None
    assert first.low <= 0.1 < first.high
    assert never is None


def test_two_models_are_compared_on_the_same_rows() -> None:
    worse = RIGHT & (np.arange(200) >= 6)  # the same rows and six fewer

    found = paired_accuracy(RIGHT, worse)

    assert found.value == pytest.approx(-0.03)
    assert -0.07 < found.low < found.high < 0  # far narrower than that of either
    assert paired_accuracy(RIGHT, RIGHT).value == 0
    assert paired_accuracy(RIGHT, RIGHT).low < 0 < paired_accuracy(RIGHT, RIGHT).high


def test_any_figure_of_two_models_can_be_compared() -> None:
    targets = np.arange(40) % 2
    sure, unsure = np.where(targets, 0.9, 0.1), np.where(targets, 0.6, 0.4)

    found = paired(lambda given, right: float(np.abs(given - right).mean()), unsure, sure, targets, resamples=50)

    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((-0.3, -0.3, -0.3))


def test_the_calibration_error_of_a_calibrated_model_may_be_none() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(size=(1000, 15)) / 100
    gaps = noise[0]

    seen = calibration_interval(gaps, gaps + noise)
    clear = calibration_interval(gaps + 0.05, gaps + 0.05 + noise)

    assert seen.low == 0 < seen.value == pytest.approx(np.abs(gaps).sum())
    assert 0.6 < clear.low < clear.value <= clear.high < 1
    assert calibration_interval(np.zeros(15), noise).low == 0
