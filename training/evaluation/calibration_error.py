"""The interval of the expected calibration error, for which no bootstrap interval of the usual kind will do.

The error is a sum of absolute values, so that chance adds to it and never takes away: of a perfectly calibrated model
100 rows show an error of 0.1, and their resamples still more. So the question is turned round: for which true gaps
would what was seen be no surprise? Asked of gaps that are those seen times one factor, with the noise of the resamples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from training.evaluation.bootstrap import Floats, Interval

# What each end leaves out; less than 2.5 %, for the true gaps are not quite those seen times one factor.
TAIL = 0.015


def interval(gaps: Floats, drawn: Floats) -> Interval:
    """The calibration error with its interval, made wide enough to hold what was seen.

    Args:
        gaps: float64 (bins,), each bin's share of the rows times how far confidence is from how often it was right.
        drawn: float64 (resamples, bins), the same of resamples.
    """
    seen = float(np.abs(gaps).sum())
    noise = drawn - gaps
    if seen == 0:
        return Interval(0.0, 0.0, float(np.quantile(np.abs(noise).sum(axis=1), 1 - TAIL)))

    def surprise(factor: float, level: float) -> float:
        return float(np.quantile(np.abs(factor * gaps + noise).sum(axis=1), level)) - seen

    low, high = (_root(surprise, level) * seen for level in (1 - TAIL, TAIL))
    return Interval(seen, min(low, seen), max(high, seen))


def _root(surprise: Callable[[float, float], float], level: float) -> float:
    """The factor at which what was seen is at this level of what would be seen; 0 if it is below that even there."""
    if surprise(0.0, level) >= 0:
        return 0.0
    most = 2.0
    while surprise(most, level) < 0:
        most *= 2
    return float(brentq(surprise, 0.0, most, args=(level,), xtol=1e-3))
