"""Ratios between what was measured in turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def median_ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median of each round's ratio, so that what slows a whole round down cancels out."""
    ratios = [one / other for one, other in zip(values, base, strict=False) if other]
    return statistics.median(ratios) if ratios else float("nan")
