"""The application as clients meet it: behind uvicorn on a free port, or asked directly without one."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from model.bundle import Bundle
from service.app import create_app
from service.engine import Runtime
from service.intake.protocol import limited_protocol
from service.settings import Settings
from tests.service.stand_in import Namer


@contextmanager
def running(app: ASGIApp, settings: Settings | None = None) -> Iterator[httpx.Client]:
    """Serves an application on a free port of 127.0.0.1; gives a client of it."""
    protocol = limited_protocol(settings or Settings())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, http=protocol, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
            try:
                yield client
            finally:
                server.should_exit = True
                thread.join()


@contextmanager
def serving(models: Path, load: Callable[[Bundle], Runtime] = Namer, **settings: Any) -> Iterator[httpx.Client]:
    """Serves the bundles of a folder once they are loaded; gives a client of the service."""
    given = Settings(models=models, **settings)
    with running(create_app(given, load), given) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        yield client


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 240) -> None:
    """Waits for something that another thread or process brings about."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def ask(app: ASGIApp, method: str = "GET", path: str = "/", **request: Any) -> httpx.Response:
    """One request to an application without a server; its lifespan is not run."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.request(method, path, **request)

    return asyncio.run(send())


def assert_problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """That an answer is a problem document of this status and kind; gives the document."""
    document: dict[str, Any] = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, document["status"]) == (status, status)
    assert document["type"] == f"urn:bifocal:problem:{kind}"
    assert document["title"]
    assert document["detail"]
    assert document.keys() <= {"type", "title", "status", "detail", "input"}
    return document
