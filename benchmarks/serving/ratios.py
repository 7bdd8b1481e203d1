"""Ratios between what was measured in turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def median_ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median of each round's ratio, so that what slows a whole round down cancels out."""
    found = ratios(values, base)
    return statistics.median(found) if found else float("nan")


def ratios(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Of each round, where there is something to divide by."""
    return [one / other for one, other in zip(values, base, strict=False) if other]
