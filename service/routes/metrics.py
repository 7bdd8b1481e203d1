"""`GET /metrics`."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.observation.metrics import Metrics

router = APIRouter(tags=["health"])

_FORMATS = {
    "text/plain": {"schema": {"type": "string"}},
    "application/openmetrics-text": {"schema": {"type": "string"}},
}


# Not async: a thread of its own writes it, so that thousands of series hold up no other request.
@router.get("/metrics", response_class=Response, responses={200: {"content": _FORMATS}})
def metrics(request: Request) -> Response:
    """What Prometheus scrapes, in its text format or as OpenMetrics."""
    given: Metrics = request.app.state.metrics
    content, media_type = given.exposition(request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": media_type})
