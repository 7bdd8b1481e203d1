"""A limit on how long a body may stand still."""

from __future__ import annotations

import asyncio
from typing import cast

from starlette.types import Message, Receive

from model.errors import SlowBodyError


class BodyStall:
    """Breaks off the wait for a body of which nothing more comes.

    One timer a request, set again only when it fires: a timer a chunk would cost more than counting the chunk does.
    `asyncio.timeout` around each is such a one.

    Args:
        receive: ASGI; what is waited for.
        limit_s: seconds that one wait may take.
    """

    def __init__(self, receive: Receive, limit_s: float) -> None:
        self._receive = receive
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[object] | None = None
        self._since = 0.0
        self._is_over = False

    async def receive(self) -> Message:
        """The next of what comes.

        Raises:
            SlowBodyError: if it does not come in time.
        """
        self._waiting = waiting = cast("asyncio.Task[object]", asyncio.current_task())
        cancelled_before = waiting.cancelling()
        self._since = self._loop.time()
        self._is_over = False
        if self._timer is None:
            self._timer = self._loop.call_later(self._limit_s, self._look)
        try:
            return await self._receive()
        except asyncio.CancelledError:
            if self._is_over and waiting.uncancel() <= cancelled_before:
                raise SlowBodyError(
                    f"Nothing more of the body has come for {self._limit_s:g} seconds. Send it without long pauses."
                ) from None
            raise  # somebody else's
        finally:
            self._waiting = None

    def end(self) -> None:
        """No more is waited for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._waiting is None:
            return  # the application is at work on what has come; the next wait sets a timer
        left_s = self._since + self._limit_s - self._loop.time()
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._look)
        else:
            self._is_over = True
            self._waiting.cancel()
