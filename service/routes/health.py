"""`GET /healthz` and `GET /readyz`."""

from __future__ import annotations

from fastapi import APIRouter, Request

from model.errors import NotReadyError
from service.engine import Engine
from service.schemas import Health
from service.store import Store

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> Health:
    """The process is alive."""
    return Health(status="ok")


@router.get("/readyz")
async def readyz(request: Request) -> Health:
    """The models are loaded and warm; 503 before, and from the moment on in which the service was told to end."""
    store: Store[Engine] = request.app.state.store
    if store.is_draining:
        raise NotReadyError("The service is about to end; ask another.")
    if not store.is_loaded:
        raise NotReadyError("The models are still being loaded.")
    return Health(status="ready")
