"""What a request has in a pipeline: a few examples that are answered together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

logger = logging.getLogger("bifocal")

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Timing:
    """Where the time of one example went.

    Args:
        decode_s: seconds in which its picture was decoded.
        queue_s: seconds in which it waited, before and after that.
        infer_s: seconds that the batch it was part of took.
    """

    decode_s: float = 0.0
    queue_s: float = 0.0
    infer_s: float = 0.0


class Job(Generic[Answer]):
    """Examples on their way, and their answers once all are there. One that fails fails them all.

    Args:
        count: number of examples, at least 1.
        deadline: when it stops being worth anything, by `time.monotonic()`.
    """

    def __init__(self, count: int, deadline: float) -> None:
        self.deadline = deadline
        self.timing = Timing()
        self.failed: int | None = None  # which example failed
        self.queued = 0  # examples of it that no decoder has yet; kept by the pipeline under its lock
        self._answers: list[Answer | None] = [None] * count
        self._left = count
        self._lock = threading.Lock()  # guards what follows
        self._is_over = False
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[], object]] = []

    @property
    def is_over(self) -> bool:
        """Whether it is answered, failed or cancelled."""
        return self._is_over

    def on_done(self, callback: Callable[[], object]) -> None:
        """Has `callback` called when it is over, in whichever thread that happens; at once if it is already."""
        with self._lock:
            if not self._is_over:
                self._callbacks.append(callback)
                return
        callback()

    def result(self, timeout_s: float | None = None) -> list[Answer]:
        """The answers in the examples' order; waits for them.

        Args:
            timeout_s: seconds to wait at most.

        Raises:
            DeadlineError: if the deadline passed before.
            CancelledError: if it was cancelled.
            TimeoutError: after `timeout_s`.
            Exception: what decoding an example or running its batch raised.
        """
        if not self._is_over:
            over = threading.Event()
            self.on_done(over.set)
            if not over.wait(timeout_s):
                raise TimeoutError(f"There was no answer within {timeout_s} s.")
        if self._error is not None:
            try:
                # All requests of a batch share the error; each would add its own lines to the trace.
                raise self._error.with_traceback(None)
            finally:
                del self  # else the error knows this frame, the frame the job, and the job the error
        return cast("list[Answer]", self._answers)  # all there, or it would not be over without an error

    def cancel(self) -> None:
        """Gives it up: what has not been run yet won't be. Without effect when it is over."""
        self._end(CancelledError())

    def put(self, index: int, answer: Answer, timing: Timing) -> bool:
        """Takes one answer; whether it was the last one. To be called under the pipeline's lock."""
        self._answers[index] = answer
        self.timing = timing
        self._left -= 1
        return self._left == 0

    def settle(self) -> None:
        """Hands over the answers, all of which are there."""
        self._end(None)

    def fail(self, error: BaseException, index: int | None = None) -> None:
        """Ends it with an error.

        Args:
            error: what `result` raises.
            index: of the example it is about.
        """
        self._end(error, index)

    def _end(self, error: BaseException | None, failed: int | None = None) -> None:
        with self._lock:
            if self._is_over:
                return
            self._error = _without_frames(error)
            self.failed = failed
            self._is_over = True  # last: it is read without the lock, and what it stands for has to be there
            callbacks, self._callbacks = self._callbacks, []  # let go of: they know the job
        for callback in callbacks:
            try:
                callback()
            except Exception:  # an event loop that has been closed, say: the others are told all the same
                logger.exception("one could not be told that its job is over")


def _without_frames(error: BaseException | None) -> BaseException | None:
    """An error and those it came of, without their traces, whose frames hold what they worked on: whole uploads."""
    links, seen = [error], set[int]()  # errors may name each other in circles
    while links:
        link = links.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = None
            links += [link.__cause__, link.__context__]
    return error
