"""`HEAD` on everything that `GET` is for (RFC 9110, 9.3.2)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadRequests:
    """Answers `HEAD` as `GET`; the server, which still knows what was asked, leaves the body out.

    FastAPI's routes take it no longer, and monitors and balancers probe with it.

    Args:
        app: what it surrounds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope.get("method") == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
