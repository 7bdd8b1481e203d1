"""From figures on resamples to 95 % intervals.

Intervals are bias-corrected and accelerated (BCa: Efron 1987, doi:10.1080/01621459.1987.10478410). Figures of a test
split are coarse - an accuracy of 100 rows is a multiple of 0.01 - so quantiles are taken of the mid-distribution,
between the values that came up, and not always at one of them. docs/evaluation.md has how often they hold the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from training.evaluation.draws import Draws, Floats

LEVEL = 0.95
_Z = float(norm.ppf((1 + LEVEL) / 2))
# Parts of the examples by which the acceleration is told.
_PARTS = 1024


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its 95 % interval.

    Args:
        value: of all examples.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """As `metrics.json` holds it."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class Replicates:
    """Figures of some examples, and what they are on resamples of them.

    Args:
        values: float64 (figures,), of all examples; NaN where one is undefined.
        drawn: float64 (resamples, figures), likewise.
        parts: float64 (resamples, parts), how often the units of each part are in each resample.
        units: how many examples or groups there are to draw.
        in_groups: whether they are groups.
    """

    values: Floats
    drawn: Floats
    parts: Floats
    units: int
    in_groups: bool = False

    def interval(
        self, figure: int, *, bounds: tuple[float, float] | None = None, units: int | None = None
    ) -> Interval | None:
        """The interval of one of the figures; None if it is undefined on the examples.

        Args:
            figure: which.
            bounds: the least and the greatest value that it can have. With them one that is the same in every resample,
                such as the accuracy of a model that is always right, has the interval of Wilson's score (1927,
                doi:10.1080/01621459.1927.10502953) and not one without width.
            units: that the figure is a share of, for that score; all of them if not given.
        """
        value, replicates = float(self.values[figure]), self.drawn[:, figure]
        if not np.isfinite(value):
            return None
        # What differs by rounding alone is the same value.
        defined = np.isfinite(replicates)
        drawn, value = replicates[defined].round(10), round(value, 10)
        if len(drawn) == 0 or (drawn == value).all():
            return _of_one_value(value, bounds, self.units if units is None else units)
        below = ((drawn < value).mean() + (drawn <= value).mean()) / 2
        bias = float(norm.ppf(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn))))
        acceleration = _acceleration(drawn, self.parts[defined])
        levels = []
        for end in (-self._reach, self._reach):
            shifted = bias + end
            levels.append(float(norm.cdf(bias + shifted / max(1 - acceleration * shifted, 0.1))))
        low, high = _quantiles(drawn, levels)
        return Interval(value, min(low, value), max(high, value))

    @property
    def _reach(self) -> float:
        """Standard errors to each side: of few groups more, by Student's t (Hesterberg 2015, section 5.3).

        doi:10.1080/00031305.2015.1089789. Of single examples there are enough, and their figures too coarse, for that.
        """
        if not self.in_groups or self.units < 2:
            return _Z
        return float(t.ppf((1 + LEVEL) / 2, self.units - 1) * (self.units / (self.units - 1)) ** 0.5)


def replicate(statistics: Callable[[Floats], Floats], draws: Draws) -> Replicates:
    """Several figures on the same resamples.

    Args:
        statistics: counts of the examples, float64 (resamples, examples), to figures, float64 (resamples, figures); NaN
            where one is undefined.
        draws: of the examples.
    """
    values = np.asarray(statistics(np.ones((1, draws.examples))), np.float64)[0]
    drawn, parts, units = [], [], 0
    for counts, of_units in draws:
        units = of_units.shape[1]
        drawn.append(np.asarray(statistics(counts), np.float64))
        parts.append(_in_parts(of_units))
    return Replicates(values, np.concatenate(drawn), np.concatenate(parts), units, in_groups=units < draws.examples)


def _in_parts(drawn: Floats) -> Floats:
    """How often the units of each part are drawn: (resamples, units) -> (resamples, parts).

    Every 1024th unit is in one part, so that rows in order of their labels are spread over the parts.
    """
    units = drawn.shape[1]
    if units <= _PARTS:
        return drawn
    padded = np.pad(drawn, ((0, 0), (0, -units % _PARTS)))
    summed: Floats = padded.reshape(len(drawn), -1, _PARTS).sum(axis=1)
    return summed


def _acceleration(replicates: Floats, counts: Floats) -> float:
    """How the spread of a figure changes with its value: a sixth of the skewness of the examples' influence on it.

    The influence is told from the resamples themselves (Efron 2014, doi:10.1080/01621459.2013.823775, equation 3.4), of
    parts of the examples, so that no jackknife has to compute every figure anew without each of them.
    """
    spread = float(replicates.std())
    influence = (counts - counts.mean(axis=0)).T @ (replicates - replicates.mean()) / len(replicates)  # (parts,)
    return float((influence**3).sum() / spread**3 / 6)


def _quantiles(replicates: Floats, levels: list[float]) -> list[float]:
    """Of the mid-distribution (Parzen 2004, doi:10.1214/088342304000000387): half of what is equal counts as below."""
    values, times = np.unique(replicates, return_counts=True)
    middle = (times.cumsum() - times / 2) / len(replicates)
    return [float(value) for value in np.interp(levels, middle, values)]


def _of_one_value(value: float, bounds: tuple[float, float] | None, units: int) -> Interval:
    if bounds is None:
        return Interval(value, value, value)
    least, greatest = bounds
    unseen = _Z**2 / (units + _Z**2)  # of all there is, what may be otherwise though none of it was seen
    return Interval(value, value - (value - least) * unseen, value + (greatest - value) * unseen)
