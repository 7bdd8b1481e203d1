"""Two models on one head, over the labels of both."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.errors import SpecError
from model.spec import THRESHOLD, Head, MultiLabelHead
from training.accuracy import overlap
from training.evaluation.bootstrap import Draws, Floats, Interval, intervals, paired_accuracy
from training.evaluation.calibration import Calibration
from training.evaluation.figures import bounds, chosen
from training.evaluation.resampled import Resampled
from training.gate.verdict import Standing
from training.numbers import LOWER_IS_BETTER
from training.pipeline import Targets

ACCURACY = "accuracy"


@dataclass(frozen=True)
class Side:
    """A head of one of the models.

    Args:
        head: with labels.
        calibration: for its thresholds.
    """

    head: Head
    calibration: Calibration


class Sides:
    """Both models on one head, over the labels of both: the new ones first, then those that are gone.

    Args:
        before, after: the head of each model.
    """

    def __init__(self, before: Side, after: Side) -> None:
        self._heads: list[Head] = [before.head, after.head]
        self._thresholds = [one.calibration.at(one.head) for one in (before, after)]
        old, new = (head.labels for head in self._heads)
        self.gone = tuple(label for label in old if label not in new)
        self.added = tuple(label for label in new if label not in old)
        self.labels = (*new, *self.gone)
        self.head = self._heads[1].model_copy(update={"labels": self.labels})

    def standing(
        self,
        of_old: NDArray[np.float32],
        of_new: NDArray[np.float32],
        targets: Targets,
        *,
        metric: str = ACCURACY,
        tolerance: float = 0.0,
        groups: NDArray[np.generic] | None = None,
    ) -> Standing:
        """Compares them; see `training.gate.judge`.

        Args:
            of_old, of_new: what they answered, float32 (rows, own labels).
            targets: in the labels of the new one.
            metric, tolerance, groups: see there.
        """
        several = isinstance(self.head, MultiLabelHead)
        right = np.pad(targets, ((0, 0), (0, len(self.gone)))) if several else targets
        probabilities = [self._spread(side, values) for side, values in enumerate((of_old, of_new))]
        added = np.isin(self.labels, self.added)
        unknown: NDArray[np.bool_] = np.asarray(right[:, added].any(axis=1) if several else added[right])

        def on(rows: NDArray[np.bool_]) -> Standing:
            some = [values[rows] for values in probabilities]
            values, gain = self._gain(some, right[rows], metric, None if groups is None else groups[rows])
            is_worse = gain.high < -tolerance
            return Standing(
                metric, *values, gain, int(rows.sum()), self.added, self.gone, int(unknown[rows].sum()), is_worse
            )

        found = on(np.ones(len(right), bool))
        if unknown.all() or not unknown.any():
            return found
        # Knowing a new label must not hide that the old ones are told worse.
        return replace(found, known=on(~unknown))

    def _spread(self, side: int, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Over the labels of both; one that a model does not know has the probability 0."""
        spread = np.zeros((len(values), len(self.labels)), np.float32)
        spread[:, [self.labels.index(label) for label in self._heads[side].labels]] = values
        return spread

    def _at(self, side: int) -> NDArray[np.float64] | None:
        given = self._thresholds[side]
        if given is None:
            return None
        known = dict(zip(self._heads[side].labels, given, strict=True))
        return np.array([known.get(label, THRESHOLD) for label in self.labels])

    def _gain(
        self,
        probabilities: list[NDArray[np.float32]],
        right: Targets,
        metric: str,
        groups: NDArray[np.generic] | None,
    ) -> tuple[tuple[float, float], Interval]:
        if metric == ACCURACY:  # quicker, and the same
            old, new = (self._scores(side, values, right) for side, values in enumerate(probabilities))
            return (float(old.mean()), float(new.mean())), paired_accuracy(old, new, groups=groups)
        sides = [
            Resampled(self.head, values, right, self._at(side), figures=[metric])
            for side, values in enumerate(probabilities)
        ]
        column, sign = sides[0].names.index((metric,)), -1 if metric in LOWER_IS_BETTER else 1

        def gained(counts: Floats) -> Floats:
            old, new = (side(counts)[:, [column]] for side in sides)
            return sign * (new - old)

        limits = bounds(metric)
        widest = None if limits is None else (limits[0] - limits[1], limits[1] - limits[0])
        gain = intervals(gained, Draws(len(right), groups=groups), bounds=widest)[0]
        if gain is None:
            raise SpecError(
                f"{metric} is undefined on the {len(right)} test rows: no label has rows both with and without it. "
                "Compare by another metric, or on more rows."
            )
        every = np.ones((1, len(right)))
        return (float(sides[0](every)[0, column]), float(sides[1](every)[0, column])), gain

    def _scores(self, side: int, values: NDArray[np.float32], right: Targets) -> NDArray[np.float64]:
        at = self._at(side)
        if at is not None:
            return overlap(chosen(values, at), right)
        return (values.argmax(axis=1) == right).astype(np.float64)
