"""HTTP/1.1 as uvicorn reads it, with limits on what a client may send and how slowly.

connected -> headers -> the application's turn -> answered, the rest of the request thrown away -> headers ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import httptools
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from model.errors import OverloadedError
from service import errors
from service.intake import refusals
from service.intake.pipeline_flow import PipelineFlow
from service.intake.refusals import MAX_HEADER_BYTES, MAX_HEADERS, MAX_PIPELINED, Refusal, RefusalError
from service.settings import Settings

MAX_STALL_S = 60  # for a client that does not read its answer,
_LEAST_PROGRESS = 2**14  # or less of it than this
_RETRY_AFTER_S = 2.0
_LINGER_S = 2.0
# Beyond `max_connections`, for probes: they are how an orchestrator tells a busy service from a dead one.
_SPARE_CONNECTIONS = 64
_PROBES = {b"/healthz", b"/readyz", b"/v2/health/live", b"/v2/health/ready"}


class LimitedProtocol(HttpToolsProtocol):
    """One connection. Refusals that come before there is a request are answered here, as problems.

    Args:
        config, server_state, app_state, _loop: uvicorn's.
    """

    # Set by `limited_protocol`: uvicorn makes the instances, and has no way to hand them more.
    header_timeout_s: ClassVar[float]
    max_connections: ClassVar[int]
    on_refusal: Callable[[str], None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loaded_app = self.app
        self._header_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._in_headers = False  # of a request that has begun
        self._in_body = False  # or in its trailers
        self._quiet_bytes = 0  # that came since headers or body last got on
        self._is_broken = False  # what comes is thrown away
        self._is_one_too_many = False
        self._skipped_body: bytes | None = None  # the header that says how the body is sent

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected; it has some seconds to ask for something."""
        super().connection_made(transport)
        self.flow = PipelineFlow(transport, self.pipeline)
        # Told at once, so that those who were there before are not sent away for one who comes late.
        self._is_one_too_many = len(self.connections) > self.max_connections
        if len(self.connections) > self.max_connections + _SPARE_CONNECTIONS:
            self.on_refusal("overloaded")
            transport.abort()
        else:
            self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        self._stop_header_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some of a request, or of several."""
        if self._is_broken:
            return
        self._unset_keepalive_if_required()
        self._quiet_bytes += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserCallbackError as error:
            reason = error.__context__
            self._refuse(reason.refusal if isinstance(reason, RefusalError) else refusals.malformed())
        except httptools.HttpParserError:
            self._refuse(refusals.malformed())
        else:
            if self._quiet_bytes > MAX_HEADER_BYTES and not self._is_broken:
                self._refuse(refusals.headers_too_large())
        # Also for what begins no request, as empty lines do.
        if not (self._in_body or self._is_broken or self._is_busy or self._header_timer):
            self._start_header_timer()

    def pause_writing(self) -> None:
        """The client reads slower than it is answered."""
        super().pause_writing()
        if self._stall_timer is None:
            self._start_stall_timer()

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        if self.flow is not None:
            super().resume_writing()

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                if self._skipped_body is not None:
                    self._go_on_with_body(self._skipped_body)

    def _go_on_with_body(self, framing: bytes) -> None:
        """A request may offer another protocol, as Java's client does with each first one; it is answered in this one.

        The parser takes what follows the headers of such a request for the other protocol. So a new one is told that a
        request has begun, and how its body is sent.
        """
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
        self._skipped_body = None

    # What the parser calls

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if self._skipped_body is not None:
            return
        if len(self.pipeline) == MAX_PIPELINED:
            raise RefusalError(refusals.too_many_pipelined())
        super().on_message_begin()
        self._in_headers = True
        if self._header_timer is None:
            self._start_header_timer()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. Those after the body are dropped: nothing may change what was decided by the ones before it."""
        if not self._in_headers:
            return
        if len(self.headers) == MAX_HEADERS:
            raise RefusalError(refusals.headers_too_large())
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All that is needed to begin with a request."""
        if self._skipped_body is not None:
            return
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEADER_BYTES:
            raise RefusalError(refusals.headers_too_large())
        self.app = self._crowded if self._is_one_too_many and self.url not in _PROBES else self._loaded_app
        super().on_headers_complete()
        self._in_headers = False
        self._in_body = True
        self._quiet_bytes = 0
        self._stop_header_timer()

    def on_url(self, url: bytes) -> None:
        """Some of the target."""
        if self._skipped_body is None:
            super().on_url(url)

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._quiet_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        if self.parser.should_upgrade() and (framing := _framing_of(self.headers)):
            self._skipped_body = framing
            return
        self._in_body = False
        self._quiet_bytes = 0
        self._stop_header_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Answered, maybe before all of the request was there: its rest is not waited for without end."""
        super().on_response_complete()
        if self._in_body and not (self._is_busy or self._header_timer):
            self._start_header_timer()

    # Refusals

    @property
    def _is_busy(self) -> bool:
        """A request has not been answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, refusal: Refusal) -> None:
        """Answers what is no request, or breaks off one, and hangs up."""
        self.on_refusal(refusal.kind)
        self._is_broken = True
        self._stop_header_timer()
        if self._is_busy and not self._in_body:
            # It came behind a request that is still being worked on, which is answered as the last one.
            self.cycle.keep_alive = False
        elif self._is_busy is not self._in_body or self.pipeline or (self._is_busy and self.cycle.response_started):
            self.transport.close()  # whatever were sent would be taken for a part of another answer
        else:
            if self._is_busy:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self.transport.write(refusal.on_the_wire(self.server_state.default_headers))
            self._hang_up()

    def _hang_up(self) -> None:
        """Ends our side, and throws away what the client still sends: closing at once could cost it the answer."""
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._header_timer = self.loop.call_later(_LINGER_S, self.transport.close)
        else:
            self.transport.close()

    def _waited_enough(self) -> None:
        self._header_timer = None
        if self._is_busy:
            self._start_header_timer()  # until it is answered, what follows may not even be read
        elif self._in_headers:
            self._refuse(refusals.slow_headers(self.header_timeout_s))
        else:
            self.transport.close()  # it never asked for anything, or was answered before it had said it all

    def _start_stall_timer(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        self._stall_timer = self.loop.call_later(MAX_STALL_S, self._stood_still, unsent)

    def _stood_still(self, unsent_before: int) -> None:
        """Hangs up, unless the client reads, if slowly."""
        if unsent_before - self.transport.get_write_buffer_size() < _LEAST_PROGRESS:
            self.transport.abort()
        else:
            self._start_stall_timer()

    async def _crowded(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = OverloadedError(
            f"More than {self.max_connections:,} connections are open. Ask again in a moment, or use fewer.",
            retry_after_s=_RETRY_AFTER_S,
        )
        self.on_refusal(errors.kind_and_status(error)[0])
        response = errors.of(error, scope)
        response.raw_headers.extend(refusals.LAST_HEADERS)
        await response(scope, receive, send)

    def _start_header_timer(self) -> None:
        self._header_timer = self.loop.call_later(self.header_timeout_s, self._waited_enough)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None


def _ignore(_: str) -> None:
    """For who does not count refusals."""


def limited_protocol(settings: Settings, *, on_refusal: Callable[[str], None] = _ignore) -> type[LimitedProtocol]:
    """The class that `uvicorn.Config(http=...)` takes.

    Args:
        settings: the header timeout and the number of connections.
        on_refusal: called with the kind of each problem that is answered here, as in `errors.PROBLEMS`.
    """
    attributes = {
        "header_timeout_s": settings.header_timeout_s,
        "max_connections": settings.max_connections,
        "on_refusal": staticmethod(on_refusal),
    }
    return type("LimitedProtocol", (LimitedProtocol,), attributes)


def _framing_of(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    """The header that says how the body is sent; None without one."""
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ")):
            return name + b": " + value
    return None
