"""Something done again and again by a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from service.engine.priority import step_back

logger = logging.getLogger("bifocal")


class Poller:
    """Calls a function, waits, and calls it again, until it is stopped; gives way to the event loop.

    Args:
        call: what it raises is logged, once as long as it stays the same, and ends nothing.
        poll_s: seconds between the end of a call and the next one.
        name: of the thread.
    """

    def __init__(self, call: Callable[[], None], poll_s: float, *, name: str) -> None:
        self._call = call
        self._poll_s = poll_s
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; waits for a call that is under way."""
        self._is_stopped.set()
        self._thread.join()

    def _run(self) -> None:
        step_back()
        logged = ""
        while not self._is_stopped.wait(self._poll_s):
            try:
                self._call()
            except Exception as error:
                if repr(error) != logged:
                    logger.exception("%s: an unexpected error; it is tried again", self._thread.name)
                logged = repr(error)
            else:
                logged = ""
