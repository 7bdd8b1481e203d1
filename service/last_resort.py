"""What no handler took becomes a 500, and the connection lives on."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import errors


class LastResort:
    """Answers an unexpected error.

    Starlette's own handler answers too, but raises the error again: Uvicorn then closes the connection without having
    told the caller, whose next request on it fails.

    Args:
        app: what it surrounds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        has_started = False

        async def send_noted(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:
            if scope["type"] != "http" or has_started:
                raise
            await errors.unexpected(error, scope)(scope, receive, send)
