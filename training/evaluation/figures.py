"""Figures of a head on some rows, by scikit-learn; cheap enough to be asked for after each epoch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    log_loss,
    recall_score,
    roc_auc_score,
)

from model.errors import SpecError
from model.spec import THRESHOLD, Head, MultiLabelHead
from model.validation import nearest
from training.accuracy import overlap

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "micro_f1",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "ece",
)
# Of multi-label heads alone.
SUBSET_ACCURACY = "subset_accuracy"
# Of the calibration error: bins of equal width, as most papers have them.
BINS = 15

Probabilities = NDArray[np.floating]
# Indices of the right labels, int32 (rows,); for a multi-label head which are right, bool (rows, classes).
Targets = NDArray[np.generic]


def names(head: Head) -> tuple[str, ...]:
    """The figures that a head has, in the order in which they are shown."""
    return (*METRICS, SUBSET_ACCURACY) if isinstance(head, MultiLabelHead) else METRICS


def bounds(name: str) -> tuple[float, float] | None:
    """The least and greatest value of a figure; None for the log loss, which has no greatest."""
    return {"log_loss": None, "brier": (0.0, 2.0)}.get(name, (0.0, 1.0))


def figure(
    name: str,
    head: Head,
    probabilities: Probabilities,
    targets: Targets,
    thresholds: NDArray[np.floating] | None = None,
) -> float:
    """One figure. For a multi-label head, what is said of classes is of each label as a yes-or-no question.

    | figure | single-label | multi-label |
    |---|---|---|
    | accuracy | the most probable label is right | labels right of those right or predicted, mean over rows |
    | balanced_accuracy | mean recall of the labels that occur | mean of recall and specificity, over labels with both |
    | macro_f1 | mean F1 of the labels that occur or are predicted | of the labels that occur |
    | micro_f1 | the accuracy | F1 of all answers together |
    | roc_auc | mean over labels, each against the rest | likewise |
    | average_precision | likewise | likewise |
    | log_loss | of the right label, nats | mean over rows and labels, nats |
    | brier | sum over labels, halved if there are two | mean over rows and labels |
    | ece | of the most probable label (Guo 2017, arXiv:1706.04599) | of the probability of every label |
    | subset_accuracy | - | exactly the right labels |

    Args:
        name: one of `names(head)`.
        head: with labels.
        probabilities: (rows, classes), at least one row.
        targets: of the same rows.
        thresholds: (classes,) from which probability on a label of a multi-label head counts as given; one half if not
            given.

    Returns:
        NaN where it is undefined: areas, if no label has rows both with and without it.

    Raises:
        SpecError: if the head has no such figure.
    """
    if name not in names(head):
        raise SpecError(f"A {head.kind} head has no figure {name!r}{nearest(name, names(head))}")
    exact = np.asarray(probabilities, np.float64)
    if isinstance(head, MultiLabelHead):
        at = np.full(exact.shape[1], THRESHOLD) if thresholds is None else thresholds
        return float(_multi_label(name, exact, np.asarray(targets, bool), chosen(probabilities, at)))
    # Sums of float32 miss 1 by more than scikit-learn takes for rounding.
    return float(_single_label(name, exact / exact.sum(axis=1, keepdims=True), targets))


def figures(
    head: Head, probabilities: Probabilities, targets: Targets, thresholds: NDArray[np.floating] | None = None
) -> Mapping[str, float]:
    """All figures of a head by name; see `figure`."""
    return {name: figure(name, head, probabilities, targets, thresholds) for name in names(head)}


def chosen(probabilities: Probabilities, thresholds: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which labels of a multi-label head are given, bool (rows, classes).

    Args:
        probabilities: (rows, classes).
        thresholds: (classes,).
    """
    # As float32, which the service compares: 0.1 there is not 0.1 here.
    given: NDArray[np.bool_] = np.asarray(probabilities, np.float32) >= np.asarray(thresholds, np.float32)
    return given


def bins_of(confidence: NDArray[np.floating]) -> NDArray[np.intp]:
    """The bin of each probability, 0 to `BINS` - 1; a bin holds its upper end."""
    found: NDArray[np.intp] = np.clip(np.ceil(np.asarray(confidence, np.float64) * BINS).astype(np.intp) - 1, 0, None)
    return np.minimum(found, BINS - 1)


def calibration_error(confidence: NDArray[np.floating], right: NDArray[np.generic]) -> float:
    """Mean over the bins, by how many are in them, of how far confidence is from how often it was right."""
    gaps = np.bincount(bins_of(confidence), weights=np.asarray(right, np.float64) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / confidence.size)


def _single_label(name: str, probabilities: NDArray[np.float64], targets: Targets) -> float:
    predicted = probabilities.argmax(axis=1)
    classes = np.arange(probabilities.shape[1])
    match name:
        case "accuracy" | "micro_f1":
            return float((predicted == targets).mean())
        case "balanced_accuracy":
            occurring = np.unique(targets)
            return float(recall_score(targets, predicted, labels=occurring, average="macro", zero_division=0))
        case "macro_f1":
            return float(f1_score(targets, predicted, average="macro", zero_division=0))
        case "log_loss":
            return float(log_loss(targets, probabilities, labels=classes))
        case "brier":
            scores = probabilities[:, 1] if len(classes) == 2 else probabilities
            return float(brier_score_loss(targets, scores, labels=classes))
        case "ece":
            return calibration_error(probabilities.max(axis=1), predicted == targets)
    return _area(name, probabilities, targets[:, np.newaxis] == classes)


def _multi_label(
    name: str, probabilities: NDArray[np.float64], targets: NDArray[np.bool_], predicted: NDArray[np.bool_]
) -> float:
    occurring = np.flatnonzero(targets.any(axis=0))
    match name:
        case "accuracy":
            return float(overlap(predicted, targets).mean())
        case "subset_accuracy":
            return float((predicted == targets).all(axis=1).mean())
        case "balanced_accuracy":
            both = np.flatnonzero(targets.any(axis=0) & ~targets.all(axis=0))
            recalls = [
                recall_score(targets[:, one], predicted[:, one], labels=[False, True], average="macro", zero_division=0)
                for one in both
            ]
            return float(np.mean(recalls)) if recalls else np.nan
        case "macro_f1":
            scores = [f1_score(targets[:, one], predicted[:, one], zero_division=0) for one in occurring]
            return float(np.mean(scores)) if scores else np.nan
        case "micro_f1":
            return float(f1_score(targets.reshape(-1), predicted.reshape(-1), zero_division=0))
        case "log_loss":
            return float(log_loss(targets.reshape(-1), probabilities.reshape(-1), labels=[False, True]))
        case "brier":
            return float(brier_score_loss(targets.reshape(-1), probabilities.reshape(-1), labels=[False, True]))
        case "ece":
            return calibration_error(probabilities.reshape(-1), targets.reshape(-1))
    return _area(name, probabilities, targets)


def _area(name: str, probabilities: NDArray[np.float64], targets: NDArray[np.bool_]) -> float:
    """Mean over the labels of the area under a curve; where all rows have a label, any ranking of them is as good."""
    ranked = targets.any(axis=0) & ~targets.all(axis=0)
    area = roc_auc_score if name == "roc_auc" else average_precision_score
    found = [area(targets[:, one], probabilities[:, one]) for one in np.flatnonzero(ranked)]
    return float(np.mean(found)) if found else np.nan
