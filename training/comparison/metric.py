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
from training.evaluation.resampled import Resampled
from training.pipeline import Targets

# How often each row counts, float64 (resamples, rows), to the figure of each resample.
Counted = Callable[[Floats], Floats]
_Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Metric:
    """A figure of some rows' probabilities.

    Args:
        name: one of `training.evaluation.figures.names`.
    """

    name: str = "accuracy"

    def check(self, heads: Iterable[Head]) -> None:
        """Looks whether heads have such a figure.

        Raises:
            SpecError: naming the figures there are.
        """
        for head in heads:
            known = figures.names(head)
            if self.name not in known:
                raise SpecError(f"--metric: a {head.kind} head has no figure {self.name!r}{nearest(self.name, known)}")

    def on(self, head: Head, probabilities: _Probabilities, targets: Targets) -> Counted:
        """The figure as a function of how often each row counts."""
        if self.name == "accuracy":  # not worth the time that all the others take
            scores = _right(head, probabilities, targets)
            return lambda counts: counts @ scores / counts.sum(axis=1)
        resampled = Resampled(head, probabilities, targets)
        column = resampled.names.index((self.name,))
        return lambda counts: resampled(counts)[:, column]

    def rank(self, head: Head, probabilities: _Probabilities, targets: Targets) -> tuple[float, float]:
        """How good probabilities are, higher is better; the second figure, of the log loss, decides between equals."""
        loss = figures.figure("log_loss", head, probabilities, targets)
        return self.sign * figures.figure(self.name, head, probabilities, targets), -loss

    @property
    def sign(self) -> int:
        """1 if higher is better, -1 if lower is."""
        return -1 if self.name in figures.LOWER_IS_BETTER else 1

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


def _right(head: Head, probabilities: _Probabilities, targets: Targets) -> Floats:
    if isinstance(head, MultiLabelHead):
        return overlap(probabilities >= THRESHOLD, targets)
    return (probabilities.argmax(axis=1) == targets).astype(np.float64)
