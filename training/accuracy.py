"""The one figure that training is steered by, for both kinds of heads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.spec import THRESHOLD, Head, MultiLabelHead
from training.pipeline import Targets


def accuracy(head: Head, probabilities: NDArray[np.float32], targets: Targets) -> float:
    """Share of examples whose most probable label is the right one.

    For a multi-label head the mean over the examples of how many of the labels that are right or predicted are both
    (Godbole and Sarawagi 2004); 1 for an example without any.

    Args:
        head: single-label or multi-label.
        probabilities: float32 (examples, classes).
        targets: int32 (examples,), or bool (examples, classes).
    """
    if not isinstance(head, MultiLabelHead):
        return float((probabilities.argmax(axis=1) == targets).mean())
    return float(overlap(probabilities >= THRESHOLD, targets).mean())


def overlap(predicted: NDArray[np.bool_], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Labels that are both by labels that are either, for each example; 1 where there is none (Jaccard 1901).

    Args:
        predicted: bool (examples, classes).
        right: bool (examples, classes).
    """
    either = (predicted | right).sum(axis=1)
    return np.where(either == 0, 1.0, (predicted & right).sum(axis=1) / np.maximum(either, 1))
