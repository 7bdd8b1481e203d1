"""What surrounds every request: its id, and the limit on its body."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from starlette.types import Message, Receive, Scope, Send

from service import errors
from service.middleware import BodyLimit, RequestId
from tests.service.running import ask, assert_problem


def counting_app(max_bytes: int = 10) -> FastAPI:
    """Answers with the length of the body and the id of the request."""
    app = FastAPI()
    errors.install(app)
    app.add_middleware(BodyLimit, max_bytes=max_bytes)
    app.add_middleware(RequestId)

    @app.post("/")
    async def count(request: Request) -> dict[str, object]:
        return {"bytes": len(await request.body()), "id": request.state.id}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret")

    return app


def call(app: FastAPI, messages: Iterator[Message], headers: list[tuple[bytes, bytes]]) -> list[Message]:
    """What an application sends when the server hands it these messages."""
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    sent: list[Message] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def test_the_callers_id_is_taken_over() -> None:
    response = ask(counting_app(), "POST", headers={"X-Request-ID": "order-7/a"})

    assert response.headers["x-request-id"] == response.json()["id"] == "order-7/a"


def test_a_request_without_an_id_is_given_one_of_its_own() -> None:
    app = counting_app()
    ids = {ask(app, "POST").headers["x-request-id"] for _ in range(5)}

    assert len(ids) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", given) for given in ids)


@pytest.mark.parametrize("invalid", [b"", b"a b", b"\xff", b"tab\there", b"x" * 129])
def test_an_id_that_could_garble_a_log_is_replaced(invalid: bytes) -> None:
    response = ask(counting_app(), "POST", headers=[(b"X-Request-ID", invalid)])

    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("GET", "/", 405), ("GET", "/broken", 500)]
)
def test_errors_carry_the_id_too(method: str, path: str, status: int) -> None:
    response = ask(counting_app(), method, path, headers={"X-Request-ID": "order-7"})

    assert (response.status_code, response.headers.get("x-request-id")) == (status, "order-7")


def test_a_body_at_the_limit_passes() -> None:
    assert ask(counting_app(), "POST", content=b"x" * 10).json()["bytes"] == 10


def test_a_body_over_the_limit_is_refused_by_its_length_before_it_is_read() -> None:
    sent = call(counting_app(), iter([]), [(b"content-length", b"11")])  # to read would be a StopIteration

    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["detail"] == (
        "The body is over 10 bytes. Send smaller pictures, or fewer at once."
    )


def test_a_length_of_thousands_of_digits_is_only_large() -> None:
    assert call(counting_app(), iter([]), [(b"content-length", b"9" * 5000)])[0]["status"] == 413


def test_a_body_without_a_length_is_refused_as_soon_as_it_is_over_the_limit() -> None:
    chunks = [{"type": "http.request", "body": b"x" * 4, "more_body": True} for _ in range(10)]
    messages = iter(chunks)

    sent = call(counting_app(), messages, [(b"transfer-encoding", b"chunked")])

    assert sent[0]["status"] == 413
    assert len(list(messages)) == 7  # the third chunk is the one too much


def test_a_length_that_lies_does_not_get_around_the_limit() -> None:
    chunks = [{"type": "http.request", "body": b"x" * 20, "more_body": False}]

    assert call(counting_app(), iter(chunks), [(b"content-length", b"5")])[0]["status"] == 413


def test_a_refused_body_is_a_problem_with_an_id() -> None:
    response = ask(counting_app(), "POST", content=b"x" * 11, headers={"X-Request-ID": "order-7"})

    assert_problem(response, 413, "too-large")
    assert response.headers["x-request-id"] == "order-7"


def test_a_caller_who_hangs_up_is_not_logged_as_our_error(caplog: pytest.LogCaptureFixture) -> None:
    part = {"type": "http.request", "body": b"x", "more_body": True}

    sent = call(counting_app(), iter([part, {"type": "http.disconnect"}]), [(b"content-length", b"9")])

    assert (sent[0]["status"], caplog.messages) == (400, [])


def test_what_is_not_http_passes_untouched() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing(message: Message | None = None) -> Message:
        raise AssertionError("neither reads nor sends")

    asyncio.run(RequestId(BodyLimit(app, max_bytes=1))({"type": "lifespan"}, nothing, nothing))
    assert seen == [{"type": "lifespan"}]
