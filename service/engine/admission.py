"""Whether a request may join the line: refused before any work if its answer would come too late."""

from __future__ import annotations

import time
from collections.abc import Callable

from model.errors import OverloadedError
from service.engine.pace import Pace

# The pace changes while a request waits: what comes behind it costs time to refuse. See docs/decisions/overload.md.
_MARGIN = 1.3


class Admission:
    """Counts what is announced, and refuses what would wait past its deadline, or for a place.

    Not thread-safe: the pipeline that it is of calls it under its lock.

    Args:
        max_waiting: examples accepted and not yet answered, at most.
        max_batch_size: examples that the model is given at most.
    """

    def __init__(self, *, max_waiting: int, max_batch_size: int) -> None:
        self.pace = Pace()
        self._max_waiting = max_waiting
        self._max_batch_size = max_batch_size
        self._announced = 0  # examples of requests that are still being read

    def announce(self, count: int) -> None:
        """Keeps a place in the estimates for `count` examples that are still being read."""
        self._announced += count

    def withdraw(self, count: int) -> None:
        """Gives such a place back."""
        self._announced -= count

    def refuse_if_late(self, waiting: int, count: int, deadline: float) -> None:
        """Raises OverloadedError if `count` examples behind `waiting` others would be too many, or late.

        Args:
            waiting: examples accepted and not yet answered.
            count: examples that would come behind them.
            deadline: of these, by `time.monotonic()`.
        """
        # A request may be announced and never come: what is announced counts as far as the next batch, and no further.
        ahead = waiting + min(self._announced, self._max_batch_size)
        if not ahead:
            return  # whatever was learned before: if all are refused, nothing more is learned
        wait_s = self.pace.wait_s(ahead, count)
        if waiting + count > self._max_waiting:
            raise OverloadedError(
                f"{waiting} examples are waiting for the model; {count} more would be over the limit of "
                f"{self._max_waiting}. Ask again later.",
                retry_after_s=wait_s,
            )
        if time.monotonic() + _MARGIN * wait_s > deadline:
            raise OverloadedError(
                f"The answer would take about {wait_s:.2g} s, longer than the request may wait. Ask again later, or "
                "with a larger timeout_ms.",
                retry_after_s=wait_s,
            )


class Announcement:
    """A place in the estimates of a pipeline, for a request that is still being read.

    Args:
        withdraw: gives the place back.
        count: examples it stands for.
    """

    def __init__(self, withdraw: Callable[[int], None], count: int) -> None:
        self._withdraw = withdraw
        self._count = count

    def end(self) -> None:
        """Gives the place back; once is enough."""
        count, self._count = self._count, 0
        self._withdraw(count)
