"""A line of JSON for each request, written without ever holding up the requests."""

from __future__ import annotations

import json
import logging
import os
import queue
import select
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Self

from service.observation.exchange import Exchange

logger = logging.getLogger("bifocal")

# Lines that wait to be written: at some hundred requests a second, what a reader may take for a nap of seconds.
MAX_WAITING = 4096
CLOSE_S = 2.0

# Asked every few seconds by machines, or dozens at a time by a browser; worth a line only when they fail.
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready", "/page/{file}"})


class RequestLog:
    """Writes a line for each request to a file descriptor, from a thread of its own.

    The pipe behind standard output may be full and its reader asleep. Then lines are dropped and counted, and no
    request waits. The descriptor is written to directly: a thread that is stuck inside `sys.stdout` holds its lock, and
    the interpreter could not end.

    Args:
        descriptor: to write to.
        on_dropped: called for each line that is lost.
        max_waiting: lines that wait to be written at most.
    """

    def __init__(
        self, descriptor: int, *, on_dropped: Callable[[], None] = lambda: None, max_waiting: int = MAX_WAITING
    ) -> None:
        self._descriptor = descriptor
        self._on_dropped = on_dropped
        self._waiting: queue.Queue[tuple[datetime, Exchange, float, str | None] | None] = queue.Queue(max_waiting)
        self._thread = threading.Thread(target=self._run, name="request-log", daemon=True)
        self._thread.start()

    def write(self, exchange: Exchange, seconds: float, *, trace_id: str | None = None) -> None:
        """Puts a line in the queue; a probe that succeeded has none.

        Args:
            exchange: that has ended; it must not change any more.
            seconds: that it took.
            trace_id: of its trace, if it has one.
        """
        if exchange.route in QUIET_ROUTES and exchange.status < HTTPStatus.BAD_REQUEST:
            return
        try:
            self._waiting.put_nowait((datetime.now(UTC), exchange, seconds, trace_id))
        except queue.Full:
            self._on_dropped()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Writes what waits, as far as that is possible in this time, and ends the thread."""
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            return  # stuck for good; being a daemon, it ends with the process
        self._thread.join(timeout_s)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def _run(self) -> None:
        while (entry := self._waiting.get()) is not None:
            try:
                self._write(f"{json.dumps(line(*entry))}\n".encode("ascii"))
            except OSError:  # nobody reads it any more
                self._on_dropped()
            except Exception:  # whatever is wrong with one line, the others can be written
                self._on_dropped()
                logger.exception("request %s could not be logged", entry[1].id)

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # whoever shares it may have made it non-blocking
                select.select([], [self._descriptor], [])


def line(ended: datetime, exchange: Exchange, seconds: float, trace_id: str | None = None) -> dict[str, Any]:
    """What the log says of a request. Neither path nor query, which may hold what is nobody's business.

    Args:
        ended: when it ended, in UTC.
        exchange: what has become of it.
        seconds: that it took.
        trace_id: of its trace, if it has one.
    """
    fields = {
        "time": ended.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": _level(exchange.status),
        "request_id": exchange.id,
        "trace_id": trace_id,
        "method": exchange.method,
        "route": exchange.route,
        "status": exchange.status,
        "problem": exchange.problem,
        "model": exchange.model,
        "version": exchange.version,
        "key": exchange.key,
        "examples": exchange.examples or None,
        "absent": exchange.absent or None,
        "seconds": round(seconds, 6),
        "stages": {stage: round(spent, 6) for stage, spent in exchange.stages.items()} if exchange.model else None,
        "inputs": exchange.inputs,
    }
    return {name: value for name, value in fields.items() if value is not None}


def log_config() -> dict[str, Any]:
    """The configuration of logging that the server takes: messages go to standard error, requests are logged here."""
    from uvicorn.config import LOGGING_CONFIG

    loggers = {
        "uvicorn": {"handlers": ["default"], "level": "INFO", "propagate": False},
        "uvicorn.error": {"level": "INFO"},
        "uvicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "bifocal": {"handlers": ["default"], "level": "INFO", "propagate": False},
        # Warns of every broken form that a client sends, which the client is told anyway.
        "python_multipart": {"level": "ERROR"},
    }
    handlers = {"default": LOGGING_CONFIG["handlers"]["default"]}
    default = LOGGING_CONFIG["formatters"]["default"]
    formatters = {"default": {**default, "fmt": f"%(asctime)s {default['fmt']}"}}
    return {**LOGGING_CONFIG, "formatters": formatters, "handlers": handlers, "loggers": loggers}


def _level(status: int) -> str:
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return "error"
    return "info" if status < HTTPStatus.BAD_REQUEST else "warning"
