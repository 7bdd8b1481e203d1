"""What surrounds every request: its id, and a look at what became of it."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from model.errors import OverloadedError
from service import errors
from service.last_resort import LastResort
from service.observation.exchange import Exchange, exchange_of
from service.observation.metrics import Metrics
from service.observation.observing import Observing
from tests.service.running import ask


class Notebook:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.trace_ids: list[str | None] = []

    def write(self, exchange: Exchange, seconds: float, *, trace_id: str | None = None) -> None:
        assert 0 <= seconds < 60
        self.exchanges.append(exchange)
        self.trace_ids.append(trace_id)

    @property
    def last(self) -> Exchange:
        return self.exchanges[-1]


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def app(notebook: Notebook, metrics: Metrics, tmp_path: Path) -> FastAPI:
    """An application with a route of each kind."""
    observing = Middleware(Observing, metrics=metrics, log=notebook)  # type: ignore[arg-type]
    app = FastAPI(middleware=[observing, Middleware(LastResort)])
    errors.install(app)
    router = APIRouter(prefix="/shop")

    @router.get("/models/{name}:count")
    async def count(name: str, request: Request) -> dict[str, object]:
        exchange_of(request).model = name
        return {"bytes": len(await request.body()), "id": request.state.id}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret")

    @app.get("/full")
    async def full() -> None:
        raise OverloadedError("Too many wait.", retry_after_s=3)

    app.include_router(router)
    (tmp_path / "page.css").touch()
    app.mount("/static", StaticFiles(directory=tmp_path))
    return app


def call(app: Any, messages: Iterator[Message]) -> list[MutableMapping[str, Any]]:
    """What an application sends when the server hands it these messages."""
    scope = {"type": "http", "method": "GET", "path": "/shop/models/mugs:count", "query_string": b"", "headers": []}
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def test_the_callers_id_is_taken_over(app: FastAPI, notebook: Notebook) -> None:
    response = ask(app, path="/shop/models/mugs:count", headers={"X-Request-ID": "order-7/a"})

    assert response.headers["x-request-id"] == response.json()["id"] == notebook.last.id == "order-7/a"


def test_a_request_without_an_id_is_given_one_of_its_own(app: FastAPI) -> None:
    ids = {ask(app).headers["x-request-id"] for _ in range(5)}

    assert len(ids) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", given) for given in ids)


@pytest.mark.parametrize("invalid", [b"", b"a b", b"\xff", b"tab\there", b"a\nb", b"x" * 129])
def test_an_id_that_could_garble_a_log_is_replaced(invalid: bytes, app: FastAPI) -> None:
    response = ask(app, headers=[(b"X-Request-ID", invalid)])

    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status", "route", "problem"),
    [
        ("GET", "/shop/models/mugs:count", 200, "/shop/models/{name}:count", None),
        ("GET", "/static/page.css", 200, "/static", None),
        ("GET", "/openapi.json", 200, "/openapi.json", None),
        ("GET", "/no/such/thing", 404, "unmatched", "not-found"),
        ("POST", "/broken", 405, "/broken", "method-not-allowed"),
        ("GET", "/broken", 500, "/broken", "internal"),
        ("GET", "/full", 503, "/full", "overloaded"),
    ],
)
def test_what_became_of_a_request_is_noted_by_the_path_of_its_route(
    method: str, path: str, status: int, route: str, problem: str | None, app: FastAPI, notebook: Notebook
) -> None:
    response = ask(app, method, path, headers={"X-Request-ID": "order-7"})

    assert (response.status_code, response.headers.get("x-request-id")) == (status, "order-7")
    noted = notebook.last
    assert (noted.method, noted.status, noted.route, noted.problem) == (method, status, route, problem)


def test_a_refusal_is_counted_by_its_problem_and_one_without_by_its_status(app: FastAPI, metrics: Metrics) -> None:
    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(status_code=405)(scope, receive, send)

    ask(app, path="/full")
    call(Observing(bare, metrics=metrics), iter([]))

    text = metrics.exposition("")[0].decode()
    assert 'bifocal_refusals_total{reason="overloaded"} 1.0' in text
    assert 'bifocal_refusals_total{reason="method-not-allowed"} 1.0' in text


def test_an_unexpected_error_is_logged_with_the_id_and_counted(
    app: FastAPI, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "bifocal"):
        ask(app, path="/broken", headers={"X-Request-ID": "order-7"})

    assert caplog.messages == ["request order-7: an unexpected error"]
    text = metrics.exposition("")[0].decode()
    assert 'bifocal_requests_total{method="GET",route="/broken",status="500"} 1.0' in text
    assert "bifocal_requests_in_progress 0.0" in text


def test_to_write_the_answer_is_a_stage(app: FastAPI, notebook: Notebook, metrics: Metrics) -> None:
    ask(app, path="/shop/models/mugs:count")

    assert 0 < notebook.last.stages["respond"] < 60
    assert b'bifocal_stage_seconds_count{stage="respond"} 1.0' in metrics.exposition("")[0]


def test_a_caller_who_hangs_up_is_499_and_no_error_of_ours(
    app: FastAPI, notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    part = {"type": "http.request", "body": b"x", "more_body": True}
    call(app, iter([part, {"type": "http.disconnect"}]))

    assert (notebook.last.status, caplog.messages) == (499, [])


@pytest.mark.parametrize("answer", [None, Response(status_code=400)], ids=["no answer", "an answer to nobody"])
def test_a_caller_who_left_before_the_answer_is_499(
    answer: Response | None, notebook: Notebook, metrics: Metrics
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if answer is not None:
            await answer(scope, receive, send)

    call(Observing(app, metrics=metrics, log=notebook), iter([{"type": "http.disconnect"}]))  # type: ignore[arg-type]

    assert (notebook.last.status, notebook.last.problem) == (499, "client-gone")


def test_a_caller_who_leaves_after_the_answer_has_had_it(notebook: Notebook, metrics: Metrics) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        await receive()

    call(Observing(app, metrics=metrics, log=notebook), iter([{"type": "http.disconnect"}]))  # type: ignore[arg-type]

    assert notebook.last.status == 200


def test_a_request_that_is_broken_off_is_noted(notebook: Notebook, metrics: Metrics) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        call(Observing(app, metrics=metrics, log=notebook), iter([]))  # type: ignore[arg-type]

    assert notebook.last.status == 500
    assert b"bifocal_requests_in_progress 0.0" in metrics.exposition("")[0]


def test_what_is_not_http_passes_untouched(metrics: Metrics) -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing(message: Message | None = None) -> Message:
        raise AssertionError("neither reads nor sends")

    asyncio.run(Observing(app, metrics=metrics)({"type": "lifespan"}, nothing, nothing))
    assert seen == [{"type": "lifespan"}]
