"""`GET /healthz` and `GET /readyz`."""

from __future__ import annotations

from fastapi import APIRouter, Request

from model.errors import NotReadyError
from service.schemas import Health

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> Health:
    """The process is alive."""
    return Health(status="ok")


@router.get("/readyz")
async def readyz(request: Request) -> Health:
    """The models are loaded and warm; 503 before."""
    if not request.app.state.store.is_loaded:
        raise NotReadyError("The models are still being loaded.")
    return Health(status="ready")
