"""One answer from two models' probabilities, without a training of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.spec import Head, MultiLabelHead
from training.comparison.answers import LEAST

Floats = NDArray[np.floating]


def average(first: Floats, second: Floats) -> NDArray[np.float32]:
    """The mean of both: float32 (..., classes)."""
    return ((first.astype(np.float64) + second) / 2).astype(np.float32)


def product(head: Head, first: Floats, second: Floats) -> NDArray[np.float32]:
    """What both say together if they know different things: their product, made to sum to 1 again.

    For single-label heads over the labels (a product of experts: Hinton 2002, doi:10.1162/089976602760128018); for each
    label of a multi-label head over its being given and not. One that is quite sure does not silence the other.

    Args:
        head: of both models.
        first: float (..., classes).
        second: float (..., classes).
    """
    one, two = (np.clip(values.astype(np.float64), LEAST, 1) for values in (first, second))
    given = one * two
    if isinstance(head, MultiLabelHead):
        absent = np.maximum(1 - one, LEAST) * np.maximum(1 - two, LEAST)
        return (given / (given + absent)).astype(np.float32)
    return (given / given.sum(axis=-1, keepdims=True)).astype(np.float32)
