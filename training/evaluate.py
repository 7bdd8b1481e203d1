"""Figures of a split from probabilities; scikit-learn and SciPy do the arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    log_loss,
    precision_recall_fscore_support,
)

from model.spec import THRESHOLD, Head, MultiLabelHead
from training.accuracy import overlap
from training.pipeline import Targets


def evaluate(
    head: Head, probabilities: NDArray[np.float32], targets: Targets, *, trained_on: Targets
) -> dict[str, Any]:
    """How good the probabilities of a head are.

    Args:
        head: single-label or multi-label.
        probabilities: float32 (examples, classes).
        targets: of the same examples.
        trained_on: those of the training split, for the figure of a model that looks at nothing.

    Returns:
        See `single_label` and `multi_label`.
    """
    if isinstance(head, MultiLabelHead):
        sets, counts = np.unique(trained_on, axis=0, return_counts=True)
        return multi_label(head, probabilities, targets, constant=sets[counts.argmax()])
    commonest = int(np.bincount(trained_on).argmax())
    return single_label(probabilities, targets, labels=head.labels, commonest=commonest)


def single_label(
    probabilities: NDArray[np.float32], targets: NDArray[np.int32], *, labels: tuple[str, ...], commonest: int
) -> dict[str, Any]:
    """How good the probabilities of a single-label head are.

    Args:
        probabilities: float32 (examples, classes).
        targets: int32 (examples,), the index of the right class.
        labels: the classes.
        commonest: index of the class that is commonest in training.

    Returns:
        `examples`; `accuracy` with `accuracy_interval`, Wilson's at 95 %; `majority`, the accuracy of always saying
        `commonest`; `macro_f1`, over the labels that occur or were predicted; `log_loss` in nats;
        `classes`, with precision, recall, F1 and support of each label; `confusion`, rows by right label, columns by
        predicted.
    """
    predicted = probabilities.argmax(axis=1)
    classes = np.arange(len(labels))
    right = int((predicted == targets).sum())
    interval = binomtest(right, len(targets)).proportion_ci(0.95, method="wilson")
    precision, recall, f1, support = precision_recall_fscore_support(
        targets, predicted, labels=classes, zero_division=0
    )
    occurring = np.union1d(targets, predicted)
    exact = probabilities.astype(np.float64)  # sums of float32 miss 1 by more than log_loss takes for rounding
    return {
        "examples": len(targets),
        "accuracy": right / len(targets),
        "accuracy_interval": [float(interval.low), float(interval.high)],
        "majority": float((targets == commonest).mean()),
        "macro_f1": float(f1[occurring].mean()),
        "log_loss": float(log_loss(targets, exact / exact.sum(axis=1, keepdims=True), labels=classes)),
        "classes": {
            label: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "support": int(support[index]),
            }
            for index, label in enumerate(labels)
        },
        "confusion": confusion_matrix(targets, predicted, labels=classes).tolist(),
    }


def multi_label(
    head: MultiLabelHead, probabilities: NDArray[np.float32], targets: NDArray[np.bool_], *, constant: NDArray[np.bool_]
) -> dict[str, Any]:
    """How good the probabilities of a multi-label head are; a label counts as predicted from one half on.

    Args:
        head: with labels.
        probabilities: float32 (examples, classes).
        targets: bool (examples, classes), the labels that are right.
        constant: bool (classes,), the set of labels that is commonest in training; it may be empty.

    Returns:
        `examples`; `accuracy`, see `training.accuracy`, with `accuracy_interval`, the normal one at 95 %; `majority`,
        that of always giving `constant`; `subset_accuracy`, the share of examples with exactly the right labels;
        `micro_f1`, `macro_f1` and `mean_average_precision`, the last two over the labels that occur; `log_loss` in
        nats, the mean over examples and labels; `classes`, with precision, recall, F1, average precision (None for a
        label that does not occur) and support of each label. A ratio of nothing to nothing is 0.
    """
    predicted = probabilities >= THRESHOLD
    scores = overlap(predicted, targets)
    margin = 1.96 * float(scores.std()) / len(scores) ** 0.5
    # Not by scikit-learn, which takes a single column for the two classes of one question.
    both, given, support = (predicted & targets).sum(axis=0), predicted.sum(axis=0), targets.sum(axis=0)
    f1 = _ratio(2 * both, given + support)
    occurs = support > 0
    ranked = [
        float(average_precision_score(targets[:, index], probabilities[:, index])) if occurs[index] else None
        for index in range(len(head.labels))
    ]
    likelihood = np.where(targets, probabilities, 1 - probabilities).astype(np.float64)
    return {
        "examples": len(targets),
        "accuracy": float(scores.mean()),
        "accuracy_interval": [max(float(scores.mean()) - margin, 0.0), min(float(scores.mean()) + margin, 1.0)],
        "majority": float(overlap(np.broadcast_to(constant, targets.shape), targets).mean()),
        "subset_accuracy": float((predicted == targets).all(axis=1).mean()),
        "micro_f1": float(_ratio(2 * both.sum(), given.sum() + support.sum())),
        "macro_f1": float(f1[occurs].mean()) if occurs.any() else 0.0,
        "mean_average_precision": float(np.mean([one for one in ranked if one is not None])) if occurs.any() else 0.0,
        "log_loss": float(-np.log(np.maximum(likelihood, 1e-12)).mean()),
        "classes": {
            label: {
                "precision": float(_ratio(both, given)[index]),
                "recall": float(_ratio(both, support)[index]),
                "f1": float(f1[index]),
                "average_precision": ranked[index],
                "support": int(support[index]),
            }
            for index, label in enumerate(head.labels)
        },
    }


def _ratio(part: NDArray[np.integer], whole: NDArray[np.integer]) -> NDArray[np.float64]:
    return np.where(whole == 0, 0.0, part / np.maximum(whole, 1))
