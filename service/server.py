"""Uvicorn, with an end that loses nothing: not ready first, then no new connections, then done."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn


class Server(uvicorn.Server):
    """A server that a signal asks to finish, and a second one ends at once.

    Uvicorn's own raises the signal again when all is done, so that its process would end as if it had been killed.

    Args:
        config: what to serve and where.
        on_drain: called at the first signal; makes the service say that it is not ready.
        pause_s: seconds from then on in which new requests are still taken, for balancers to notice.
    """

    def __init__(self, config: uvicorn.Config, *, on_drain: Callable[[], None], pause_s: float) -> None:
        super().__init__(config)
        self._on_drain = on_drain
        self._pause_s = pause_s
        self._is_draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Called for SIGTERM and SIGINT, between two steps of the main thread; so it takes no lock and logs nothing."""
        if self._is_draining:
            os._exit(128 + sig)
        self._is_draining = True
        self._on_drain()
        if self._pause_s:
            pause = threading.Timer(self._pause_s, self.stop)
            pause.daemon = True
            pause.start()
        else:
            self.stop()

    def stop(self) -> None:
        """Ends it: no new connections, and done when the accepted requests are answered."""
        self.should_exit = True
