"""`POST /admin/models/{name}/activate`."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from model.errors import MediaTypeError, RequestError, SlowBodyError, SpecError
from model.validation import Part
from service.intake.json_body import parse_json
from service.intake.media_types import refuse_unacceptable
from service.schemas import Activation
from service.settings import Settings
from service.store import Store
from service.store.served import Engine

router = APIRouter(prefix="/admin", tags=["admin"])

_LARGEST = 2**63 - 1  # as TensorFlow Serving has it

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["version"],
                    "additionalProperties": False,
                    "properties": {
                        "version": {
                            "anyOf": [{"type": "integer", "minimum": 0, "maximum": _LARGEST}, {"type": "null"}],
                            "description": "the version to answer from now on; null to follow the newest one again",
                        }
                    },
                }
            }
        },
    }
}


class Choice(Part):
    """The body of an activation."""

    version: int | None = Field(ge=0, le=_LARGEST, strict=True)


@router.post("/models/{name}/activate", openapi_extra=_BODY)
async def activate(request: Request, name: str) -> Activation:
    """Pins a model to a version, or lifts the pin. A version that is not loaded is loaded first, and refused with 409.

    The pin holds until it is lifted, over restarts too, as far as `saved` is true.
    """
    refuse_unacceptable(request)
    choice = await _choice(request)
    store: Store[Engine] = request.app.state.store
    asked = await run_in_threadpool(store.ask_for, name, choice.version)  # a file is written
    return await asyncio.wrap_future(asked)


async def _choice(request: Request) -> Choice:
    settings: Settings = request.app.state.settings
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise MediaTypeError(f"Expected application/json. Received: {media_type or 'none'}.")
    try:
        async with asyncio.timeout(settings.timeout_ms / 1000):
            body = await request.body()
    except TimeoutError:
        raise SlowBodyError("The body did not arrive in time. Send it faster.") from None
    data = parse_json(body, max_depth=settings.max_json_depth)
    if not isinstance(data, dict):
        raise RequestError('Expected an object: {"version": 3}, or {"version": null} to follow the newest one again.')
    try:
        return Choice.parse(data, what="body")
    except SpecError as error:
        raise RequestError(str(error)) from None
