"""A picture that stands for no picture, as no-image.png does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.cache import Decoded
from training.pipeline import Targets

# One file in so many rows, whatever their labels, and so much more often than pictures are in this table: pictures with
# twenty questions each are none.
LEAST_ROWS, LEAST_SHARE, TIMES_THE_MEDIAN = 20, 0.01, 10


@dataclass(frozen=True)
class Placeholder:
    """A picture file that stands in very many rows with several labels.

    Args:
        input: the image input.
        positions: of the usable rows that it stands in, intp (rows,).
        labels: how many different ones they have, of the head that has the most.
    """

    input: str
    positions: NDArray[np.intp]
    labels: int


def placeholders(
    pictures: Mapping[str, Decoded], targets: Mapping[str, Targets], usable: NDArray[np.intp]
) -> list[Placeholder]:
    """The placeholders of all image inputs, those in the most rows first.

    Args:
        pictures: for each image input the pictures.
        targets: for each head int32 (usable,) or bool (usable, classes).
        usable: intp (usable,), positions of the rows that can be used.
    """
    found = []
    for name, column in pictures.items():
        given = np.flatnonzero(column.digests[usable].any(axis=1))
        if not len(given):
            continue
        digests = np.ascontiguousarray(column.digests[usable[given]]).view("V16").reshape(-1)
        _, codes, counts = np.unique(digests, return_inverse=True, return_counts=True)
        least = max(LEAST_ROWS, LEAST_SHARE * len(given), TIMES_THE_MEDIAN * float(np.median(counts)))
        for code in np.flatnonzero(counts >= least).tolist():
            rows = given[codes.reshape(-1) == code]
            labels = max((len(np.unique(target[rows], axis=0)) for target in targets.values()), default=0)
            if labels > 1:
                found.append(Placeholder(name, usable[rows], labels))
    return sorted(found, key=lambda one: -len(one.positions))
