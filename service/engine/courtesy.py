"""How explanations give way to predictions."""

from __future__ import annotations

import time
from typing import Protocol

# An explanation beside which predictions are asked for has a fifth of the time: most predictions don't meet one.
_RESTS = 4
# Nobody's deadline is to pass in a rest.
_LONGEST_S = 2.0


class Busy(Protocol):
    """Who is given way to."""

    @property
    def waiting(self) -> int:
        """Examples accepted and not yet answered."""

    @property
    def last_left(self) -> float:
        """When the last ones were answered, by `time.perf_counter()`; minus infinity before any was."""


class Courtesy:
    """Rests after work that others had to share the machine with.

    What is alone on the machine goes on at once: somebody who asks for a prediction and then for its explanation does
    not wait.

    Args:
        others: that are given way to.
    """

    def __init__(self, others: Busy) -> None:
        self._others = others

    def rest_s(self, spent_s: float) -> float:
        """Seconds to wait before the next batch, after one that has just ended and took `spent_s`."""
        met = self._others.waiting > 0 or self._others.last_left > time.perf_counter() - spent_s
        return min(_RESTS * spent_s, _LONGEST_S) if met else 0.0
