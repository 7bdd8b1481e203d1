"""95 % bootstrap intervals: of any figure of some examples, and of the difference of a figure between two models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.draws import RESAMPLES, Draws, Floats, Index
from training.evaluation.replicates import Interval, Replicates, replicate

__all__ = [
    "RESAMPLES",
    "Draws",
    "Floats",
    "Index",
    "Interval",
    "Replicates",
    "interval",
    "intervals",
    "mean",
    "paired",
    "paired_accuracy",
    "replicate",
]


def intervals(
    statistics: Callable[[Floats], Floats], draws: Draws, *, bounds: tuple[float, float] | None = None
) -> list[Interval | None]:
    """The interval of each of several figures; see `replicate` and `Replicates.interval`."""
    found = replicate(statistics, draws)
    return [found.interval(figure, bounds=bounds) for figure in range(len(found.values))]


def interval(
    statistic: Callable[[Index], float],
    examples: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    groups: NDArray[np.generic] | None = None,
    bounds: tuple[float, float] | None = None,
) -> Interval | None:
    """The interval of one figure, called once a resample; `intervals` is much faster for what can be told from counts.

    Args:
        statistic: examples, intp (drawn,), to the figure; NaN where it is undefined.
        examples: how many there are.
        resamples: how many are drawn.
        seed: the same seed draws the same.
        groups: see `Draws`.
        bounds: see `Replicates.interval`.

    Returns:
        None if the figure is undefined on the examples.
    """
    every = np.arange(examples)

    def statistics(counts: Floats) -> Floats:
        return np.array([[statistic(np.repeat(every, row.astype(np.intp)))] for row in counts])

    return intervals(statistics, Draws(examples, resamples, seed, groups), bounds=bounds)[0]


def paired(
    statistic: Callable[[NDArray[Any], NDArray[Any]], float],
    probabilities_a: NDArray[Any],
    probabilities_b: NDArray[Any],
    targets: NDArray[Any],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    groups: NDArray[np.generic] | None = None,
    bounds: tuple[float, float] | None = None,
) -> Interval | None:
    """By how much b is over a: `statistic(b) - statistic(a)`, both on the same resampled rows.

    Args:
        statistic: probabilities and targets of some rows to a figure.
        probabilities_a: (examples, classes) of one model.
        probabilities_b: (examples, classes) of the other.
        targets: (examples, ...).
        resamples: how many are drawn.
        seed: the same seed draws the same.
        groups: see `Draws`.
        bounds: the least and greatest value of the difference, see `Replicates.interval`.

    Returns:
        None if the figure is undefined on the examples.
    """

    def difference(rows: Index) -> float:
        return statistic(probabilities_b[rows], targets[rows]) - statistic(probabilities_a[rows], targets[rows])

    return interval(difference, len(targets), resamples=resamples, seed=seed, groups=groups, bounds=bounds)


def paired_accuracy(
    right_a: NDArray[np.generic],
    right_b: NDArray[np.generic],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    groups: NDArray[np.generic] | None = None,
) -> Interval:
    """By how much the mean score of b is over that of a, on the same rows.

    Args:
        right_a: (examples,), from 0, wrong, to 1, right.
        right_b: the same rows by the other model.
        resamples: how many are drawn.
        seed: the same seed draws the same.
        groups: see `Draws`.
    """
    gained = np.asarray(right_b, np.float64) - np.asarray(right_a, np.float64)
    return mean(gained, resamples=resamples, seed=seed, groups=groups, bounds=(-1.0, 1.0))


def mean(
    scores: NDArray[np.generic],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    groups: NDArray[np.generic] | None = None,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Interval:
    """The interval of a mean, such as of an accuracy.

    Args:
        scores: (examples,), at least one.
        resamples: how many are drawn.
        seed: the same seed draws the same.
        groups: see `Draws`.
        bounds: see `Replicates.interval`.
    """
    exact = np.asarray(scores, np.float64)

    def statistics(counts: Floats) -> Floats:
        return (counts @ exact / counts.sum(axis=1))[:, None]

    found = intervals(statistics, Draws(len(exact), resamples, seed, groups), bounds=bounds)[0]
    assert found is not None, "a mean of no examples"  # noqa: S101  (tells mypy; no user gets here)
    return found
