"""Resamples of examples, with replacement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
# Counts that are held at once.
_BLOCK = 2_000_000

Floats = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Draws:
    """Resamples of some examples with replacement; of whole groups, if there are groups.

    Args:
        examples: how many there are.
        resamples: how many are drawn.
        seed: the same seed draws the same.
        groups: (examples,), whose equal values are drawn together; None if every example stands for itself.
    """

    examples: int
    resamples: int = RESAMPLES
    seed: int = 0
    groups: NDArray[np.generic] | None = None

    def __iter__(self) -> Iterator[tuple[Floats, Floats]]:
        """Some resamples at a time, how often each example, float64 (resamples, examples), and each unit is in them."""
        random = np.random.default_rng(self.seed)
        member = None if self.groups is None else np.unique(self.groups, return_inverse=True)[1].reshape(-1)
        units = self.examples if member is None else int(member.max(initial=-1)) + 1
        at_once = max(_BLOCK // max(self.examples, 1), 1)
        for start in range(0, self.resamples, at_once):
            size = min(at_once, self.resamples - start)
            drawn = random.integers(units, size=(size, units)) + units * np.arange(size)[:, None]
            counts = np.bincount(drawn.reshape(-1), minlength=size * units).reshape(size, units).astype(np.float64)
            yield (counts, counts) if member is None else (counts[:, member], counts)

    def indices(self) -> Iterator[Index]:
        """The examples of each resample, one resample at a time: intp (drawn,), in ascending order."""
        every = np.arange(self.examples)
        for counts, _ in self:
            for row in counts:
                yield np.repeat(every, row.astype(np.intp))
