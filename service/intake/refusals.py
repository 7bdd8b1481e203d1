"""Answers to what is no request yet, or no longer: made and sent without the application."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import JSONResponse
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from model.errors import BifocalError, MalformedError, OverloadedError, SlowBodyError
from service import errors
from service.intake.security_headers import HEADERS

MAX_HEADERS = 100
MAX_HEADER_BYTES = 2**16  # the request line among them
MAX_PIPELINED = 16  # requests behind one that is being answered
_RETRY_AFTER_S = 2.0

# Of the last answer on a connection.
LAST_HEADERS = [(name.lower().encode(), value.encode()) for name, value in {**HEADERS, "Connection": "close"}.items()]


@dataclass(frozen=True)
class Refusal:
    """A problem, as the last answer on a connection.

    Args:
        kind: the last part of its `type`.
        status: HTTP status code.
        detail: what was wrong, what was expected.
    """

    kind: str
    status: int
    detail: str

    @classmethod
    def of(cls, error: BifocalError) -> Refusal:
        """One of our own errors."""
        return cls(*errors.kind_and_status(error), str(error))

    def on_the_wire(self, default_headers: list[tuple[bytes, bytes]]) -> bytes:
        """All of the answer.

        Args:
            default_headers: that each answer of the server has, such as the date.
        """
        document = errors.problem(self.kind, self.status, self.detail)
        response = JSONResponse(document, self.status, media_type=errors.MEDIA_TYPE)
        headers = (*default_headers, *response.raw_headers, *LAST_HEADERS)
        lines = [name + b": " + value + b"\r\n" for name, value in headers]
        return b"".join([STATUS_LINE[self.status], *lines, b"\r\n", bytes(response.body)])


class RefusalError(Exception):
    """Takes a refusal through the parser.

    Args:
        refusal: what is to be sent.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.kind)
        self.refusal = refusal


def headers_too_large() -> Refusal:
    """More headers, or more of them, than is read."""
    detail = f"The request line and headers are over {MAX_HEADERS} lines or {MAX_HEADER_BYTES:,} bytes. Send fewer."
    return Refusal("headers-too-large", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)


def slow_headers(timeout_s: float) -> Refusal:
    """Headers that did not arrive in time."""
    return Refusal.of(SlowBodyError(f"The headers did not arrive within {timeout_s:g} seconds."))


def too_many_pipelined() -> Refusal:
    """More requests behind one another than are kept. It is counted, not sent: those before it are answered."""
    error = OverloadedError(
        f"More than {MAX_PIPELINED} requests came before the one ahead of them was answered. Wait for answers.",
        retry_after_s=_RETRY_AFTER_S,
    )
    return Refusal.of(error)


def malformed() -> Refusal:
    """What can't be read, or in two ways."""
    return Refusal.of(MalformedError("This is no HTTP/1.1 request, or its headers contradict each other."))
