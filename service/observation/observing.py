"""What surrounds every request: an id that is found again in answer and log, and a look at what became of it."""

from __future__ import annotations

import re
import time
import uuid
from http import HTTPStatus

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Mount, Route, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import errors
from service.observation.exchange import Exchange
from service.observation.metrics import CLIENT_GONE, Metrics
from service.observation.request_log import QUIET_ROUTES, RequestLog
from service.observation.traces import Traces

_ID = re.compile(r"[\x21-\x7e]{1,128}")

# Of requests that no route is for: their paths are whatever clients think of.
UNMATCHED = "unmatched"


class Observing:
    """Makes the exchange of each request, and tells metrics, log and traces of it when it has ended.

    Takes over the caller's `X-Request-ID`, or makes one, and sends it back. Has to be the outermost middleware.

    Args:
        app: what it surrounds; finds the exchange as `request.state.exchange`, and its id also as `request.state.id`.
        metrics: told of every request.
        log: has a line for every request, if given.
        traces: has a span for every request, if given.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, log: RequestLog | None = None, traces: Traces | None = None
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log
        self._traces = traces
        self._paths: list[tuple[re.Pattern[str], str]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        exchange = Exchange(given if _ID.fullmatch(given) else uuid.uuid4().hex, scope["method"])
        scope.setdefault("state", {}).update(exchange=exchange, id=exchange.id)
        answering: float | None = None

        async def receive_observed() -> Message:
            message = await receive()
            # A server says so too when the answer has been sent; that is not meant.
            if message["type"] == "http.disconnect" and answering is None:
                exchange.status = CLIENT_GONE
            return message

        async def send_observed(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = time.perf_counter()
                # Whatever is answered to one who has gone, nobody reads it.
                if exchange.status != CLIENT_GONE:
                    exchange.status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = exchange.id
            await send(message)
            if answering is not None and message["type"] == "http.response.body" and not message.get("more_body"):
                respond = exchange.stages.get("respond", 0.0)
                exchange.stages["respond"] = respond + time.perf_counter() - answering

        self._metrics.begin()
        try:
            await self._app(scope, receive_observed, send_observed)
        finally:
            # Broken off without an answer: whatever the server makes of that is not seen here.
            exchange.status = exchange.status or HTTPStatus.INTERNAL_SERVER_ERROR
            self._tell(exchange, scope, headers)

    def _tell(self, exchange: Exchange, scope: Scope, headers: Headers) -> None:
        seconds = time.perf_counter() - exchange.started
        exchange.route = self._route(scope)
        if exchange.status == CLIENT_GONE:
            exchange.problem = "client-gone"
        elif exchange.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            exchange.problem = "internal"
        elif exchange.status >= HTTPStatus.BAD_REQUEST and exchange.problem is None:
            exchange.problem = errors.kind_of_status(exchange.status)
        self._metrics.observe(exchange, seconds)
        if exchange.route in QUIET_ROUTES and exchange.status < HTTPStatus.BAD_REQUEST:
            return  # asked every few seconds by machines; worth a line and a span only when they fail
        trace_id = self._traces.record(exchange, seconds, headers) if self._traces is not None else None
        if self._log is not None:
            self._log.write(exchange, seconds, trace_id=trace_id)

    def _route(self, scope: Scope) -> str:
        """The path as the routes have it, also of a request that was refused before they saw it."""
        path = getattr(scope.get("route"), "path", None)
        if path is not None:
            return str(path)
        if self._paths is None:
            self._paths = _patterns(scope["app"]) if "app" in scope else []
        return next((one for pattern, one in self._paths if pattern.match(scope["path"])), UNMATCHED)


def _patterns(app: FastAPI) -> list[tuple[re.Pattern[str], str]]:
    """What the paths of an application look like, and their templates; those without a parameter first."""
    templates = [*app.openapi()["paths"], *(route.path for route in app.routes if isinstance(route, Route))]
    patterns = [(compile_path(one)[0], one) for one in sorted(templates, key=lambda one: "{" in one)]
    folders = [route.path for route in app.routes if isinstance(route, Mount)]
    return patterns + [(compile_path(f"{one}/{{path:path}}")[0], one) for one in folders]
