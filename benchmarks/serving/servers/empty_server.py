"""Uvicorn and nothing behind it: reads a request to its end and answers with two bytes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from benchmarks.serving.servers.settings import peer_settings

Message = MutableMapping[str, Any]
_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """An ASGI application."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send(dict(_START))
        await send({"type": "http.response.body", "body": b"{}"})


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=peer_settings().port,
        access_log=False,
        log_level="warning",
        loop="uvloop",
        http="httptools",
        lifespan="off",
    )
