"""Limits on bodies: of one request, and of all that are in progress together, their answers among them."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model.errors import MediaTypeError, OverloadedError, RequestError, TooLargeError
from service import errors
from service.intake.body_stall import BodyStall

_RETRY_AFTER_S = 1.0
_PIECE = 2**16  # bytes of an answer


class BodyLimit:
    """Refuses a body by its `Content-Length` before any of it is read, otherwise while it is read.

    What counts for all requests together is what has come of their bodies, not what they promise: else a few callers
    who promise much and send nothing would keep everybody out. An answer counts too until it is sent: it goes to the
    server in pieces, which takes the next one only when the caller has read enough of those before.

    Args:
        app: what it surrounds.
        max_bytes: of one body.
        max_pending_bytes: of all bodies together, each until its request has been answered, and of their answers. Who
            brings a body when they are reached is refused; who brings none, as a probe, is answered.
        stall_s: seconds for which nothing of a body may come while it is waited for.
        watch: is given a function that tells the bytes pending.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        max_pending_bytes: int,
        stall_s: float = 10,
        watch: Callable[[Callable[[], int]], None] = lambda _: None,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_pending_bytes = max_pending_bytes
        self._stall_s = stall_s
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
        is_coming = True  # and still wanted
        stall = BodyStall(receive, self._stall_s)

        async def receive_counted() -> Message:
            nonlocal read, is_coming
            message = await (stall.receive() if is_coming else receive())
            is_coming = is_coming and message.get("more_body", False)
            if size := len(message.get("body", b"")):
                read += size
                self.pending_bytes += size
                self._check(read, self.pending_bytes)
            return message

        async def send_counted(message: Message) -> None:
            nonlocal is_coming
            is_coming = False
            size = len(message.get("body", b""))
            self.pending_bytes += size
            try:
                await _send_in_pieces(message, send)
            finally:
                self.pending_bytes -= size

        try:
            await self._app(scope, receive_counted, send_counted)
        finally:
            stall.end()
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
                f"Bodies and unsent answers of the requests in progress are {self._max_pending_bytes:,} bytes, the "
                "most that is kept at a time. Ask again in a moment.",
                retry_after_s=_RETRY_AFTER_S,
            )


async def _send_in_pieces(message: Message, send: Send) -> None:
    body = message.get("body", b"")
    for at in range(_PIECE, len(body), _PIECE):
        await send({**message, "body": body[at - _PIECE : at], "more_body": True})
    sent = max(0, len(body) - 1) // _PIECE * _PIECE
    await send({**message, "body": body[sent:]} if sent else message)
