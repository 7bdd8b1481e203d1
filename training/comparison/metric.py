"""The figure that a comparison is decided by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.errors import SpecError
from model.spec import THRESHOLD, Head, MultiLabelHead
from model.validation import nearest
from training.accuracy import overlap
from training.evaluation import figures
from training.evaluation.bootstrap import Floats, Interval
from training.evaluation.resampled import AREAS, Resampled
from training.numbers import LOWER_IS_BETTER, NOT_COMPARED
from training.pipeline import Targets

# How often each row counts, float64 (resamples, rows), to the figure of each resample.
Counted = Callable[[Floats], Floats]
_Probabilities = NDArray[np.float32]
_Thresholds = NDArray[np.float64] | None


@dataclass(frozen=True)
class Metric:
    """A figure of some rows' probabilities.

    Args:
        name: one of `training.evaluation.figures.names` but the calibration error: chance only ever adds to it, so that
            resamples say nothing of a difference.
    """

    name: str = "accuracy"

    def check(self, heads: Iterable[Head]) -> None:
        """Looks whether heads have such a figure.

        Raises:
            SpecError: naming the figures there are.
        """
        if self.name == NOT_COMPARED:
            raise SpecError(
                f"--metric: no interval tells whether two models differ in {NOT_COMPARED} (docs/evaluation.md). "
                "Compare by log_loss or brier, which tell of calibration too."
            )
        for head in heads:
            known = [name for name in figures.names(head) if name != NOT_COMPARED]
            if self.name not in known:
                raise SpecError(f"--metric: a {head.kind} head has no figure {self.name!r}{nearest(self.name, known)}")

    def on(
        self, head: Head, probabilities: _Probabilities, targets: Targets, thresholds: _Thresholds = None
    ) -> Counted:
        """The figure as a function of how often each row counts; thresholds of a multi-label head are one half if not
        given."""
        if self.name == "accuracy":  # not worth the time that all the others take
            scores = _right(head, probabilities, targets, thresholds)
            return lambda counts: counts @ scores / counts.sum(axis=1)
        resampled = Resampled(head, probabilities, targets, thresholds, figures=[self.name])
        return lambda counts: resampled(counts)[:, 0]

    def rank(
        self, head: Head, probabilities: _Probabilities, targets: Targets, thresholds: _Thresholds = None
    ) -> tuple[float, float]:
        """How good probabilities are, higher is better; the second figure, of the log loss, decides between equals."""
        loss = figures.figure("log_loss", head, probabilities, targets)
        return self.sign * figures.figure(self.name, head, probabilities, targets, thresholds), -loss

    @property
    def is_area(self) -> bool:
        """Whether it is an area under a curve: then all rows are ranked anew on each resample."""
        return self.name in AREAS

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is."""
        return -1 if self.name in LOWER_IS_BETTER else 1

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Its least and greatest value; None for one without an end."""
        return figures.bounds(self.name)

    @property
    def difference_bounds(self) -> tuple[float, float] | None:
        """The least and greatest difference of two figures."""
        return None if self.bounds is None else (self.bounds[0] - self.bounds[1], self.bounds[1] - self.bounds[0])

    @property
    def is_share(self) -> bool:
        """Whether it is counted in points, which are hundredths, and more is better."""
        return self.bounds == (0.0, 1.0) and self.sign == 1

    @property
    def label(self) -> str:
        """The name in a sentence."""
        return self.name.replace("_", " ")

    @property
    def unit(self) -> str:
        """What stands behind a figure in a sentence."""
        return " %" if self.is_share else ""

    def figure(self, value: float) -> str:
        """A figure as it is printed, without its unit."""
        return f"{100 * value:.1f}" if self.is_share else f"{value:.3f}"

    def difference(self, gain: Interval) -> str:
        """How much better something is, as it is printed in a sentence."""
        if self.is_share:
            return f"{100 * gain.value:+.1f} points [{100 * gain.low:.1f}, {100 * gain.high:.1f}]"
        return f"{self.label} better by {gain.value:.3f} [{gain.low:.3f}, {gain.high:.3f}]"

    def amount(self, value: float) -> str:
        """The size of a difference as it is printed in a sentence."""
        return f"{100 * value:.1f} points" if self.is_share else f"{value:.3f}"


def _right(head: Head, probabilities: _Probabilities, targets: Targets, thresholds: _Thresholds) -> Floats:
    if isinstance(head, MultiLabelHead):
        at = np.full(len(head.labels), THRESHOLD) if thresholds is None else thresholds
        return overlap(figures.chosen(probabilities, at), targets)
    return (probabilities.argmax(axis=1) == targets).astype(np.float64)
