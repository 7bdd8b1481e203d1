"""Ctrl-C and SIGTERM: what is under way is finished and saved; a second one ends at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from model.errors import StoppedError

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Listens to the signals that ask a process to end, as long as it is entered, in the main thread.

    with Stop() as stop:
        with stop.deferred():          # a signal is only noted here
            while not stop.asked: ...
        ...                            # here it raises StoppedError
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._is_deferred = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = self._listen()
        return self

    @contextmanager
    def ending_at_once(self) -> Iterator[None]:
        """Within, a signal ends the process: for what waits where Python hears nothing, and has nothing to save.

        Whatever has put its own handlers in place meanwhile, at the end these are there again.
        """
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
        try:
            yield
        finally:
            self._listen()

    def _listen(self) -> dict[int, Any]:
        """Puts the handlers in place, and gives those that were there."""
        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, self._heard) for number in SIGNALS}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within, a signal is noted in `asked` and nothing else happens: whoever is within looks there."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False
        self.raise_if_asked()

    def raise_if_asked(self) -> None:
        """Raises StoppedError if a signal came."""
        if self.asked is not None:
            raise StoppedError(f"Stopped by {signal.Signals(self.asked).name}.", signal=self.asked)

    def _heard(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.asked is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.asked = number
        if not self._is_deferred:
            self.raise_if_asked()
