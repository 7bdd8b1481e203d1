"""Errors as HTTP answers: `application/problem+json` (RFC 9457). The only module that knows status codes.

Each problem has a stable `type`, `title`, `status`, `detail` in words, and `input` where it is about one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from model.errors import (
    BifocalError,
    ConflictError,
    DeadlineError,
    ForbiddenError,
    ImageError,
    ImageTooLargeError,
    MalformedError,
    MediaTypeError,
    NotAcceptableError,
    NotFoundError,
    NotReadyError,
    OverloadedError,
    RequestError,
    SlowBodyError,
    TooLargeError,
    UnauthorizedError,
)
from service.error_shapes import error_document, is_compatible

logger = logging.getLogger("bifocal")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
_MAX_DETAIL = 2000  # characters: some repeat what was sent
_INTERNAL = "Something went wrong here; the log says what."

# The first that fits counts, so the narrower ones stand first.
PROBLEMS: tuple[tuple[type[BifocalError], str, int], ...] = (
    (ImageTooLargeError, "image-too-large", 413),
    (ImageError, "image-unusable", 422),
    (MalformedError, "malformed", 400),
    (MediaTypeError, "media-type", 415),
    (NotAcceptableError, "not-acceptable", 406),
    (UnauthorizedError, "unauthorized", 401),
    (ForbiddenError, "forbidden", 403),
    (NotFoundError, "not-found", 404),
    (ConflictError, "version-refused", 409),
    (TooLargeError, "too-large", 413),
    (SlowBodyError, "slow-body", 408),
    (NotReadyError, "not-ready", 503),
    (OverloadedError, "overloaded", 503),
    (DeadlineError, "deadline", 504),
    (RequestError, "invalid-request", 422),
)

# As RFC 9110 has them; Python's own phrases change with its version.
TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    499: "Client Closed Request",  # of no RFC, but the logs of nginx have made it known
    500: "Internal Server Error",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}

_STRING = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": _STRING,
        "title": _STRING,
        "status": {"type": "integer"},
        "detail": _STRING,
        "input": _STRING,
    },
}
# For the OpenAPI document, which would otherwise show a 422 in FastAPI's form.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem (RFC 9457).", "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
}


def install(app: FastAPI) -> None:
    """Makes an application answer every error in the form that its API has."""
    app.add_exception_handler(BifocalError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)


def kind_and_status(error: BifocalError) -> tuple[str, int]:
    """The last part of the problem's `type`, and the status code, of one of our own errors."""
    for kind_of_error, kind, status in PROBLEMS:
        if isinstance(error, kind_of_error):
            return kind, status
    return "internal", 500


def kind_of_status(status: int) -> str:
    """The last part of the `type` of a problem that is known by its status alone."""
    return _title(status).lower().replace(" ", "-")


def headers_of(error: BifocalError) -> dict[str, str]:
    """What an answer says beside its body: when to ask again, or that a key is wanted."""
    if isinstance(error, OverloadedError):
        return {"Retry-After": str(max(1, math.ceil(error.retry_after_s)))}
    if isinstance(error, NotReadyError):
        return {"Retry-After": str(RETRY_AFTER_S)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, UnauthorizedError) else {}


def of(error: BifocalError, scope: Scope) -> JSONResponse:
    """One of our own errors as the answer to a request; noted in its exchange.

    Args:
        error: why it is refused.
        scope: of the request, as ASGI has it.
    """
    kind, status = kind_and_status(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("an error without a status code", exc_info=error)
        return _answer(scope, kind, status, _INTERNAL)
    return _answer(scope, kind, status, str(error), input=getattr(error, "input", None), headers=headers_of(error))


def unexpected(error: Exception, scope: Scope) -> JSONResponse:
    """Any other error as the answer to a request: what it says goes to the log and to nobody else."""
    logger.error("request %s: an unexpected error", scope.get("state", {}).get("id", ""), exc_info=error)
    return _answer(scope, "internal", 500, _INTERNAL)


def problem(kind: str, status: int, detail: str, *, input: str | None = None) -> dict[str, Any]:  # noqa: A002
    """A problem document.

    Args:
        kind: the last part of its `type`.
        status: HTTP status code.
        detail: what was wrong, what was expected, how to mend it.
        input: the model input it is about.
    """
    content: dict[str, Any] = {
        "type": f"urn:bifocal:problem:{kind}",
        "title": _title(status),
        "status": status,
        "detail": detail,
    }
    return content if input is None else content | {"input": input}


def _answer(
    scope: Scope,
    kind: str,
    status: int,
    detail: str,
    *,
    input: str | None = None,  # noqa: A002
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    detail = detail if len(detail) <= _MAX_DETAIL else f"{detail[:_MAX_DETAIL]} ..."
    exchange = scope.get("state", {}).get("exchange")
    if exchange is not None:
        exchange.problem = kind
    if is_compatible(scope["path"]):
        return error_document(detail, status, headers)
    return JSONResponse(problem(kind, status, detail, input=input), status, headers, MEDIA_TYPE)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, BifocalError):
        raise error
    return of(error, request.scope)


async def _invalid_parameters(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    details = [
        f"{' '.join(map(str, detail['loc']))}: {detail['msg'].removeprefix('Value error, ')}"
        for detail in error.errors()
    ]
    return _answer(request.scope, "invalid-request", 422, "; ".join(details))


async def _http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    details = {
        404: f"There is no {request.url.path} here; /docs lists what there is.",
        405: f"{request.url.path} does not take {request.method}.",
    }
    detail = details.get(error.status_code, str(error.detail))
    return _answer(request.scope, kind_of_status(error.status_code), error.status_code, detail, headers=error.headers)


async def _gone(request: Request, _: Exception) -> JSONResponse:
    # Nobody reads it; but a caller who hangs up is no error of ours, and not to be logged as one.
    return _answer(request.scope, "client-gone", 499, "The connection ended before the answer was there.")


def _title(status: int) -> str:
    return TITLES.get(status) or HTTPStatus(status).phrase  # Python's own has no 499
