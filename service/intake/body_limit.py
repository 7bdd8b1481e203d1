"""Limits on bodies: of one request, and of all that are in progress together."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model.errors import MediaTypeError, OverloadedError, RequestError, TooLargeError
from service import errors

_RETRY_AFTER_S = 1.0


class BodyLimit:
    """Refuses a body by its `Content-Length` before any of it is read, otherwise while it is read.

    What counts for all requests together is what has come of their bodies, not what they promise: else a few callers
    who promise much and send nothing would keep everybody out.

    Args:
        app: what it surrounds.
        max_bytes: of one body.
        max_pending_bytes: of all bodies together, each until its request has been answered.
        watch: is given a function that tells the bytes pending.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        max_pending_bytes: int,
        watch: Callable[[Callable[[], int]], None] = lambda _: None,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_pending_bytes = max_pending_bytes
        self.pending_bytes = 0
        watch(lambda: self.pending_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check_headers(Headers(scope=scope))
        except RequestError as error:
            await errors.of(error, scope)(scope, receive, send)
            return
        read = 0

        async def receive_counted() -> Message:
            nonlocal read
            message = await receive()
            if size := len(message.get("body", b"")):
                read += size
                self.pending_bytes += size
                self._check(read, self.pending_bytes)
            return message

        try:
            await self._app(scope, receive_counted, send)
        finally:
            self.pending_bytes -= read

    def _check_headers(self, headers: Headers) -> None:
        encoding = headers.get("content-encoding", "identity")
        if encoding.strip().lower() != "identity":
            raise MediaTypeError(
                f"The body has the content encoding {encoding[:50]!r}; expected none. Send it as it is, not compressed."
            )
        told = headers.get("content-length", "")
        if told.isdecimal() and told.strip("0"):
            size = int(told) if len(told) < 20 else self._max_bytes + 1  # int() refuses thousands of digits
            self._check(size, self.pending_bytes + size)

    def _check(self, size: int, pending: int) -> None:
        if size > self._max_bytes:
            raise TooLargeError(f"The body is over {self._max_bytes:,} bytes. Send smaller pictures, or fewer at once.")
        if pending > self._max_pending_bytes:
            raise OverloadedError(
                f"The requests in progress have bodies of {self._max_pending_bytes:,} bytes, the most that is kept "
                "at a time. Ask again in a moment.",
                retry_after_s=_RETRY_AFTER_S,
            )
