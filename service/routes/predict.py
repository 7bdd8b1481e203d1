"""`POST /predict`."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from model.errors import MediaTypeError
from model.examples import Example
from model.validation import Part
from service.answers import body, size_of
from service.intake import inputs
from service.intake.forms import read_form
from service.intake.json_body import off_the_loop
from service.intake.media_types import refuse_unacceptable
from service.observation.exchange import exchange_of
from service.predictor import Admitted, admitted
from service.schemas import PredictResponse
from service.settings import MAX_TIMEOUT_MS, Settings

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
    top_k: int = Field(5, ge=1, le=1000, description="how many labels `top` holds")
    explain: bool = Field(False, description="say why: heat maps, token weights, shares of the inputs")
    timeout_ms: int | None = Field(
        None, ge=1, le=MAX_TIMEOUT_MS, description="milliseconds from the end of the request's headers to its answer"
    )


_QUERY = {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in Parameters.model_json_schema()["properties"].items()
    ]
}


# The query is read by hand: FastAPI's way to a model of it takes a quarter of what it costs to refuse a request.
@router.post(
    "/predict", openapi_extra=_BODY | _QUERY, tags=["predict"], summary="Predict", response_model=PredictResponse
)
async def predict_route(request: Request) -> Response:
    """The probabilities of each label for a picture and its words; any input may be left out, but not all."""
    refuse_unacceptable(request)
    exchange = exchange_of(request)
    query = _parameters(request)
    with admitted(request, query.model, query.version, timeout_ms=query.timeout_ms, explained=query.explain) as asked:
        answers = await asked.predict(await _examples(request, asked))
    with exchange.stage("respond"):
        about = {"model": {"name": asked.served.name, "version": asked.served.version}, "request_id": exchange.id}
        thresholds = asked.metadata.threshold_arrays
        write = partial(body, about, asked.spec, answers, top_k=query.top_k, thresholds=thresholds)
        content = await off_the_loop(size_of(asked.spec, answers), write)
    return Response(content, headers={"Server-Timing": exchange.server_timing()}, media_type="application/json")


def _parameters(request: Request) -> Parameters:
    try:
        return Parameters.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in error.errors()]) from None


async def _examples(request: Request, asked: Admitted) -> list[Example]:
    settings: Settings = request.app.state.settings
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        async with asked.reading():
            form = await read_form(request, max_text_bytes=4 * settings.max_text_characters)
            try:
                return [await inputs.from_form(form, asked.spec, settings)]
            finally:
                await form.close()
    if media_type == "application/json" or media_type.endswith("+json"):
        content = await asked.body()
        with asked.exchange.stage("parse"):
            return await off_the_loop(len(content), partial(inputs.from_json, content, asked.spec, settings))
    raise MediaTypeError(f"Expected multipart/form-data or application/json. Received: {media_type or 'none'}.")
