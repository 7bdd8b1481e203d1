"""The one source of chance in the demo set."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


class Dice:
    """Random draws that the same key always repeats.

    Args:
        *key: non-negative integers, for instance the seed, the purpose and the row. Dice of different keys
            are independent, so a picture can't depend on how many throws its caption took.
    """

    def __init__(self, *key: int) -> None:
        self.generator = np.random.default_rng(key)

    def between(self, low: float, high: float) -> float:
        """Any number from `low` to `high`, all equally likely."""
        return low + (high - low) * float(self.generator.random())

    def chance(self, share: float) -> bool:
        """True in `share` (0 to 1) of the throws."""
        return float(self.generator.random()) < share

    def pick(self, items: Sequence[Item]) -> Item:
        """One of `items`, all equally likely."""
        return items[int(self.generator.integers(len(items)))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """All of `items` in random order."""
        return [items[index] for index in self.generator.permutation(len(items))]
