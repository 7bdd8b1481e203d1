"""A service as bytes on a connection: for what no HTTP client would send."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from service.intake.protocol import limited_protocol
from service.settings import Settings
from tests.service.running import wait_until


@contextmanager
def listening(
    app: ASGIApp, settings: Settings, *, on_refusal: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[str, int]]:
    """Serves an application with the limits on connections and headers; gives the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        protocol = limited_protocol(settings, on_refusal=on_refusal)
        server = uvicorn.Server(uvicorn.Config(app, http=protocol, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield listener.getsockname()
        finally:
            server.should_exit = True
            thread.join()


def talk(address: tuple[str, int], *parts: bytes, timeout_s: float = 10) -> bytes:
    """Sends bytes on a connection of their own and gives all that comes back until the service hangs up."""
    with socket.create_connection(address, timeout=timeout_s) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass  # it may have said enough before all was sent
        return read_to_end(connection)


def read_to_end(connection: socket.socket) -> bytes:
    """What comes until the service hangs up; an error if it never does."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def statuses(received: bytes) -> list[int]:
    """Status codes of the answers in what was received."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def problem_in(received: bytes) -> dict[str, Any]:
    """The problem document of the one answer that was received."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json\r\n" in head.lower() + b"\r\n", received
    document: dict[str, Any] = json.loads(body)
    assert document["status"] == int(head[9:12])
    return document
