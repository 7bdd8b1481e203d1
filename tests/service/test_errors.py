"""Errors as problem documents."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from model.errors import (
    BifocalError,
    BundleError,
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
from service import errors
from service.errors import PROBLEMS
from service.last_resort import LastResort
from tests.service.running import ask, assert_problem


def failing(error: Exception) -> FastAPI:
    """An application whose one route fails, and takes a number."""
    app = FastAPI()
    errors.install(app)
    app.add_middleware(LastResort)

    @app.get("/")
    async def fail(number: int = 0) -> None:
        raise error

    return app


def descendants(kind: type[BifocalError]) -> Iterator[type[BifocalError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ImageError("broken"), 422, "image-unusable"),
        (ImageTooLargeError("huge"), 413, "image-too-large"),
        (RequestError("wrong"), 422, "invalid-request"),
        (MalformedError("garbled"), 400, "malformed"),
        (MediaTypeError("odd"), 415, "media-type"),
        (NotFoundError("gone"), 404, "not-found"),
        (TooLargeError("long"), 413, "too-large"),
        (NotReadyError("soon"), 503, "not-ready"),
        (NotAcceptableError("html"), 406, "not-acceptable"),
        (UnauthorizedError("who"), 401, "unauthorized"),
        (ForbiddenError("no"), 403, "forbidden"),
        (ConflictError("broken"), 409, "version-refused"),
        (SlowBodyError("slow"), 408, "slow-body"),
        (OverloadedError("full", retry_after_s=0.2), 503, "overloaded"),
        (DeadlineError("late"), 504, "deadline"),
        (HTTPException(418, "short and stout"), 418, "i'm-a-teapot"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_is_a_problem_that_says_what_it_said(error: Exception, status: int, kind: str) -> None:
    document = assert_problem(ask(failing(error)), status, kind)

    assert document["detail"] == (error.detail if isinstance(error, HTTPException) else str(error))


@pytest.mark.parametrize("root", [ImageError, RequestError])
def test_every_error_that_a_request_can_cause_has_a_status_code_of_its_own(root: type[BifocalError]) -> None:
    known = [kind for kind, _, _ in PROBLEMS]

    assert set(descendants(root)) <= set(known)
    for narrow in descendants(root):
        assert known.index(narrow) <= known.index(root)


def test_types_are_not_shared() -> None:
    assert len({kind for _, kind, _ in PROBLEMS}) == len(PROBLEMS)


def test_an_error_about_an_input_names_it() -> None:
    document = ask(failing(RequestError("'photo' is a picture", input="photo"))).json()

    assert document == {
        "type": "urn:bifocal:problem:invalid-request",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "'photo' is a picture",
        "input": "photo",
    }


def test_an_unusable_picture_names_its_input() -> None:
    assert ask(failing(ImageError("cut off", input="photo"))).json()["input"] == "photo"
    assert "input" not in ask(failing(ImageError("cut off"))).json()


def test_not_ready_says_when_to_ask_again() -> None:
    assert ask(failing(NotReadyError("soon"))).headers["retry-after"] == str(errors.RETRY_AFTER_S)
    assert "retry-after" not in ask(failing(RequestError("wrong"))).headers


def test_an_unknown_path_and_method_are_problems() -> None:
    app = failing(RequestError("never raised"))

    assert_problem(ask(app, "GET", "/nothing"), 404, "not-found")
    refused = ask(app, "DELETE")
    assert_problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"] == "GET"


def test_a_wrong_parameter_is_named() -> None:
    document = assert_problem(ask(failing(RequestError("never raised")), path="/?number=x"), 422, "invalid-request")

    assert document["detail"].startswith("query number: Input should be a valid integer")


@pytest.mark.parametrize("error", [RuntimeError("the password is 1234"), BundleError("a broken bundle in /srv/models")])
def test_an_unexpected_error_is_logged_and_not_told(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "bifocal"):
        response = ask(failing(error))

    document = assert_problem(response, 500, "internal")
    assert document["detail"] == "Something went wrong here; the log says what."
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [error]
