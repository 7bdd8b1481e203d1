"""`POST /predict`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from model.errors import MediaTypeError
from model.examples import Example
from model.validation import Part
from service import inputs
from service.forms import read_form
from service.predictor import predict
from service.schemas import ModelVersion, PredictResponse
from service.settings import Settings
from service.store import Served

router = APIRouter()

_FIELDS = {
    "image": {"type": "string", "description": "the picture; call it as the model's input is called"},
    "text": {"type": "string", "description": "the words"},
    "tags": {"type": "string", "description": "delimited tags; in JSON also a list"},
}
_INSTANCE = {"type": "object", "properties": _FIELDS}
_FORM = {**_INSTANCE, "properties": {**_FIELDS, "image": {"type": "string", "format": "binary"}}}
_LIST = {"type": "array", "items": _INSTANCE}
_MANY = {"type": "object", "required": ["instances"], "properties": {"instances": _LIST}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/json": {"schema": {"anyOf": [_INSTANCE, _MANY, _LIST]}},
        },
    }
}


class Parameters(Part):
    """The query of `/predict`; anything else in it is refused."""

    model: str | None = Field(None, description="which model; needed if several are served")
    version: int | None = Field(None, description="which version; the one that is served if not given")
    top_k: int = Field(5, ge=1, description="how many labels `top` holds")


@router.post("/predict", openapi_extra=_BODY, tags=["predict"], summary="Predict")
async def predict_route(request: Request, parameters: Annotated[Parameters, Query()]) -> PredictResponse:
    """The probabilities of each label for a picture and its words; any input may be left out, but not all."""
    state = request.app.state
    served: Served = state.store.get(parameters.model, parameters.version)
    examples = await _examples(request, served, state.settings)
    predictions = await predict(
        served, examples, state.decoders, max_pixels=state.settings.max_pixels, top_k=parameters.top_k
    )
    return PredictResponse(
        model=ModelVersion(name=served.name, version=served.version),
        request_id=request.state.id,
        predictions=predictions,
    )


async def _examples(request: Request, served: Served, settings: Settings) -> list[Example]:
    spec = served.metadata.spec
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        form = await read_form(request, max_part_size=settings.max_body_bytes)
        try:
            return [await inputs.from_form(form, spec, settings)]
        finally:
            await form.close()
    if media_type == "application/json" or media_type.endswith("+json"):
        return inputs.from_json(await request.body(), spec, settings)
    raise MediaTypeError(f"Expected multipart/form-data or application/json. Received: {media_type or 'none'}.")
