"""Figures of a split from probabilities; scikit-learn and SciPy do the arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support


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
