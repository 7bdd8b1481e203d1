"""Figures of a split from probabilities; scikit-learn and SciPy do the arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    f1_score,
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
        return multi_label(head, probabilities, targets, shares=trained_on.mean(axis=0))
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
    head: MultiLabelHead, probabilities: NDArray[np.float32], targets: NDArray[np.bool_], *, shares: NDArray[np.float64]
) -> dict[str, Any]:
    """How good the probabilities of a multi-label head are; a label counts as predicted from one half on.

    Args:
        head: with labels.
        probabilities: float32 (examples, classes).
        targets: bool (examples, classes), the labels that are right.
        shares: float (classes,), how much of the training split has each label.

    Returns:
        `examples`; `accuracy`, see `training.accuracy`, with `accuracy_interval`, the normal one at 95 %; `majority`,
        that of always giving the labels that most training rows have, or the commonest one; `subset_accuracy`, the
        share of examples with exactly the right labels; `micro_f1`, `macro_f1`; `mean_average_precision` over the
        labels that occur; `log_loss` in nats, the mean over examples and labels; `classes`, with precision, recall,
        F1, average precision and support of each label.
    """
    predicted = probabilities >= THRESHOLD
    scores = overlap(predicted, targets)
    margin = 1.96 * float(scores.std()) / len(scores) ** 0.5
    constant = shares >= 0.5 if (shares >= 0.5).any() else np.arange(len(shares)) == shares.argmax()
    precision, recall, f1, support = precision_recall_fscore_support(targets, predicted, average=None, zero_division=0)
    ranked = [
        float(average_precision_score(targets[:, index], probabilities[:, index])) if support[index] else None
        for index in range(len(head.labels))
    ]
    likelihood = np.where(targets, probabilities, 1 - probabilities).astype(np.float64)
    return {
        "examples": len(targets),
        "accuracy": float(scores.mean()),
        "accuracy_interval": [max(float(scores.mean()) - margin, 0.0), min(float(scores.mean()) + margin, 1.0)],
        "majority": float(overlap(np.broadcast_to(constant, targets.shape), targets).mean()),
        "subset_accuracy": float((predicted == targets).all(axis=1).mean()),
        "micro_f1": float(f1_score(targets, predicted, average="micro", zero_division=0)),
        "macro_f1": float(f1[support > 0].mean()) if support.any() else 0.0,
        "mean_average_precision": float(np.mean([one for one in ranked if one is not None])) if support.any() else 0.0,
        "log_loss": float(-np.log(np.maximum(likelihood, 1e-12)).mean()),
        "classes": {
            label: {
                "precision": float(precision[index]),
                "recall": float(recall[index]),
                "f1": float(f1[index]),
                "average_precision": ranked[index],
                "support": int(support[index]),
            }
            for index, label in enumerate(head.labels)
        },
    }
