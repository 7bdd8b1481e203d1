"""The figures of one head on some rows, with their intervals, as `metrics.json` holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.spec import Head, MultiLabelHead
from training.accuracy import overlap
from training.evaluation import calibration_error
from training.evaluation.bootstrap import RESAMPLES, Draws, Interval, Replicates, replicate
from training.evaluation.calibration import Calibration
from training.evaluation.figures import BINS, Probabilities, Targets, bins_of, bounds, chosen, names
from training.evaluation.resampled import GAP, OF_CLASS, Resampled

# Resamples x rows x labels above which fewer resamples are drawn, as each has to be ranked anew for each label.
MOST_RANKED = 2_000_000_000
LEAST_RESAMPLES = 200
# With more labels a confusion matrix is mostly zeros, and a file of it megabytes: the fullest cells are kept instead.
MOST_IN_MATRIX = 100
MOST_CONFUSED = 1000


def commonest(head: Head, targets: Targets) -> tuple[str, ...]:
    """The answer that is right most often: a label, or the labels of a multi-label head, which may be none."""
    if isinstance(head, MultiLabelHead):
        sets, counts = np.unique(targets, axis=0, return_counts=True)
        return tuple(np.array(head.labels)[np.asarray(sets[counts.argmax()], bool)].tolist())
    return (head.labels[int(np.bincount(targets.astype(np.intp)).argmax())],)


def majority(head: Head, targets: Targets, answer: tuple[str, ...]) -> float:
    """The accuracy of always giving one answer, of `commonest`."""
    given = np.isin(head.labels, answer)
    if isinstance(head, MultiLabelHead):
        return float(overlap(np.broadcast_to(given, targets.shape), np.asarray(targets, bool)).mean())
    return float(given[targets.astype(np.intp)].mean())


def metrics(
    head: Head,
    probabilities: Probabilities,
    targets: Targets,
    calibration: Calibration,
    *,
    groups: NDArray[np.generic] | None = None,
) -> dict[str, dict[str, float] | None]:
    """The figures of `figures.names`, each with value, low and high, or None where it is undefined.

    Args:
        head: with labels.
        probabilities: calibrated, (rows, classes), at least one row.
        targets: of the same rows.
        calibration: for its thresholds.
        groups: (rows,), whose equal values are drawn together.
    """
    statistics = Resampled(head, probabilities, targets, calibration.at(head))
    return _metrics(head, replicate(statistics, draws(len(targets), probabilities.size, groups)), statistics)


def figures_of(
    head: Head,
    probabilities: Probabilities,
    targets: Targets,
    calibration: Calibration,
    *,
    answer: tuple[str, ...],
    groups: NDArray[np.generic] | None = None,
) -> dict[str, Any]:
    """All that is said of a head but how it does without inputs and on slices; see `docs/evaluation.md`.

    Args:
        head: with labels.
        probabilities: calibrated, (rows, classes), at least one row.
        targets: of the same rows.
        calibration: that they were calibrated by.
        answer: the one that was commonest in training, of `commonest`.
        groups: (rows,), whose equal values are drawn together.
    """
    at = calibration.at(head)
    statistics = Resampled(head, probabilities, targets, at, by_class=True)
    found = replicate(statistics, draws(len(targets), probabilities.size, groups))
    told = {
        "examples": len(targets),
        "commonest": list(answer),
        "majority": majority(head, targets, answer),
        "metrics": _metrics(head, found, statistics),
        "classes": _classes(head, found, statistics, *_support(head, probabilities, targets, at)),
        "reliability": _reliability(head, probabilities, targets),
        "calibration": calibration.as_dict(),
    }
    if not isinstance(head, MultiLabelHead):
        told |= _confusion(head, probabilities, targets)
    return told


def draws(rows: int, ranked: int, groups: NDArray[np.generic] | None) -> Draws:
    """Resamples for areas under curves: fewer of many.

    Args:
        rows: how many there are.
        ranked: probabilities that are ranked anew for each resample, at least one.
        groups: (rows,), whose equal values are drawn together.
    """
    return Draws(rows, int(np.clip(MOST_RANKED // ranked, LEAST_RESAMPLES, RESAMPLES)), groups=groups)


def _metrics(head: Head, found: Replicates, statistics: Resampled) -> dict[str, dict[str, float] | None]:
    told: dict[str, dict[str, float] | None] = {}
    gaps = [statistics.names.index((GAP, str(number))) for number in range(BINS)]
    for name in names(head):
        at = statistics.names.index((name,))
        if name == "ece":
            told[name] = calibration_error.interval(found.values[gaps], found.drawn[:, gaps]).as_dict()
        else:
            told[name] = _told(found.interval(at, bounds=bounds(name)))
    return told


def _classes(
    head: Head, found: Replicates, statistics: Resampled, support: NDArray[np.intp], given: NDArray[np.intp]
) -> dict[str, Any]:
    # Of what there is none, nothing is known: 0, or anything up to 1.
    unknown = {"value": 0.0, "low": 0.0, "high": 1.0}
    classes: dict[str, Any] = {}
    for number, label in enumerate(head.labels):
        units = {"precision": given[number], "recall": support[number], "f1": max(support[number], given[number])}
        one: dict[str, Any] = {}
        for name in OF_CLASS:
            at = statistics.names.index((label, name))
            told = _told(found.interval(at, bounds=(0.0, 1.0), units=int(units.get(name, support[number]))))
            one[name] = told if told is not None or name == "average_precision" else dict(unknown)
        classes[label] = {**one, "support": int(support[number])}
    return classes


def _support(
    head: Head, probabilities: Probabilities, targets: Targets, at: NDArray[np.floating] | None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How often each label is right, and how often it is predicted, (classes,) both."""
    if at is not None:
        return targets.astype(bool).sum(axis=0), chosen(probabilities, at).sum(axis=0)
    classes = len(head.labels)
    predicted = np.bincount(probabilities.argmax(axis=1), minlength=classes)
    return np.bincount(targets.astype(np.intp), minlength=classes), predicted


def _confusion(head: Head, probabilities: Probabilities, targets: Targets) -> dict[str, Any]:
    """What was taken for what: as a matrix, or of many labels those that were taken for others most often."""
    labels, right = head.labels, targets.astype(np.intp)
    cells, counts = np.unique(right * len(labels) + probabilities.argmax(axis=1), return_counts=True)
    if len(labels) <= MOST_IN_MATRIX:
        matrix = np.zeros(len(labels) ** 2, np.intp)
        matrix[cells] = counts
        return {"confusion": matrix.reshape(len(labels), -1).tolist()}
    rows, columns = np.divmod(cells, len(labels))
    order = np.argsort(-counts, kind="stable")
    wrong = order[rows[order] != columns[order]][:MOST_CONFUSED]
    return {"confused": [[labels[rows[at]], labels[columns[at]], int(counts[at])] for at in wrong]}


def _reliability(head: Head, probabilities: Probabilities, targets: Targets) -> list[dict[str, float]]:
    """For each bin of confidence how many are in it, their mean confidence, and how often they were right."""
    if isinstance(head, MultiLabelHead):
        confidence, right = probabilities.reshape(-1), targets.reshape(-1)
    else:
        confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    found = bins_of(confidence)
    counts = np.bincount(found, minlength=BINS)
    sums = [np.bincount(found, weights=np.asarray(one, np.float64), minlength=BINS) for one in (confidence, right)]
    mean_confidence, accuracy = (np.divide(one, counts, out=np.zeros(BINS), where=counts > 0) for one in sums)
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "count": int(counts[number]),
            "confidence": float(mean_confidence[number]),
            "accuracy": float(accuracy[number]),
        }
        for number in range(BINS)
    ]


def _told(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else interval.as_dict()
