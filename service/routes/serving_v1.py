"""TensorFlow Serving's REST API under `/v1`, so that its clients work unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from model.errors import NotFoundError, NotReadyError
from model.spec import ModelSpec
from model.validation import nearest
from service.answers import size_of
from service.compatible import serving_v1
from service.engine import Answered, Engine
from service.error_shapes import RESPONSES
from service.intake.json_body import off_the_loop, parse_json
from service.predictor import admitted
from service.routes.compatible_parameters import TimeoutMs, Version, number_of
from service.schemas import VersionState
from service.settings import Settings
from service.store import Store

router = APIRouter(prefix="/v1/models", tags=["TensorFlow Serving"], responses=RESPONSES)

# TensorFlow Serving's names of what a version is doing.
_STATES = {"ready": "AVAILABLE", "loaded": "AVAILABLE", "loading": "LOADING", "not_loaded": "END", "refused": "END"}

_STRING = {"type": "string"}
_VALUE = {"description": 'a text or tags as a string, a picture as {"b64": "<base64>"}; null is absent'}
_REQUEST = {
    "type": "object",
    "properties": {
        "signature_name": {"type": "string", "enum": ["serving_default", ""]},
        "instances": {"type": "array", "minItems": 1, "items": _VALUE, "description": "rows: an object an example"},
        "inputs": {"description": "columns: an object with a list an input"},
    },
    "oneOf": [{"required": ["instances"]}, {"required": ["inputs"]}],
    "additionalProperties": False,
}
_PREDICT: dict[str, Any] = {
    "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": _REQUEST}}}},
    "responses": {
        200: {
            "description": "`predictions` to `instances`, `outputs` to `inputs`.",
            "content": {
                "application/json": {
                    "schema": {"type": "object", "properties": {"predictions": {"type": "array"}, "outputs": {}}}
                }
            },
        }
    },
}
_STATUS = {
    "type": "object",
    "required": ["model_version_status"],
    "properties": {
        "model_version_status": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["version", "state", "status"],
                "properties": {
                    "version": _STRING,
                    "state": {"type": "string", "enum": sorted(set(_STATES.values()))},
                    "status": {"type": "object", "properties": {"error_code": _STRING, "error_message": _STRING}},
                },
            },
        }
    },
}
_METADATA = {
    "type": "object",
    "required": ["model_spec", "metadata"],
    "properties": {"model_spec": {"type": "object"}, "metadata": {"type": "object"}},
}


def _answer(description: str, schema: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


@router.post("/{name}:predict", summary="Predict", **_PREDICT)
async def predict(request: Request, name: str, timeout_ms: TimeoutMs = None) -> Response:
    """Probabilities for `instances` (rows) or `inputs` (columns)."""
    return await _predict(request, name, None, timeout_ms)


@router.post("/{name}/versions/{version}:predict", summary="Predict with a version", **_PREDICT)
async def predict_with_version(request: Request, name: str, version: Version, timeout_ms: TimeoutMs = None) -> Response:
    """Probabilities of a version for `instances` (rows) or `inputs` (columns)."""
    return await _predict(request, name, number_of(name, version), timeout_ms)


@router.get("/{name}", summary="Model status", responses=_answer("All versions.", _STATUS))
async def status(request: Request, name: str) -> Response:
    """The state of each version, the newest first."""
    return _status(_states(request, name))


@router.get("/{name}/versions/{version}", summary="Version status", responses=_answer("The version.", _STATUS))
async def version_status(request: Request, name: str, version: Version) -> Response:
    """The state of one version."""
    number = number_of(name, version)
    states = [state for state in _states(request, name) if state.version == number]
    if not states:
        raise NotFoundError(f"Model {name!r} has no version {number}.")
    return _status(states)


@router.get("/{name}/metadata", summary="Model metadata", responses=_answer("The signature.", _METADATA))
async def metadata(request: Request, name: str) -> Response:
    """What the model takes and gives, as a signature."""
    return _metadata(request, name, None)


@router.get(
    "/{name}/versions/{version}/metadata", summary="Version metadata", responses=_answer("The signature.", _METADATA)
)
async def version_metadata(request: Request, name: str, version: Version) -> Response:
    """What a version takes and gives, as a signature."""
    return _metadata(request, name, number_of(name, version))


async def _predict(request: Request, name: str, version: int | None, timeout_ms: int | None) -> Response:
    settings: Settings = request.app.state.settings
    with admitted(request, name, version, timeout_ms=timeout_ms) as call:
        body = await call.body()
        with call.exchange.stage("parse"):
            asked = await off_the_loop(len(body), partial(_read, body, call.spec, settings))
        del body  # what is waiting need not be held twice
        answers = await call.predict(asked.examples)
        with call.exchange.stage("respond"):
            write = partial(_written, asked, call.spec, answers)
            return Response(await off_the_loop(size_of(call.spec, answers), write), media_type="application/json")


def _read(body: bytes, spec: ModelSpec, settings: Settings) -> serving_v1.PredictRequest:
    return serving_v1.read_request(parse_json(body, max_depth=settings.max_json_depth), spec, settings)


def _written(asked: serving_v1.PredictRequest, spec: ModelSpec, answers: Sequence[Answered]) -> bytes:
    if asked.in_columns:
        return to_json({"outputs": serving_v1.outputs(spec, answers)})
    return to_json({"predictions": serving_v1.predictions(spec, answers)})


def _states(request: Request, name: str) -> list[VersionState]:
    store: Store[Engine] = request.app.state.store
    if name not in store.names():
        if not store.is_loaded:
            raise NotReadyError("The models are still being loaded; ask again in a moment.")
        raise NotFoundError(f"No model {name!r}{nearest(name, store.names())}")
    return sorted(store.states(name), key=lambda state: -state.version)


def _status(states: list[VersionState]) -> Response:
    told = [
        {
            "version": str(state.version),
            "state": _STATES[state.state],
            "status": {
                "error_code": "FAILED_PRECONDITION" if state.state == "refused" else "OK",
                "error_message": state.reason or "",
            },
        }
        for state in states
    ]
    return _json({"model_version_status": told})


def _metadata(request: Request, name: str, version: int | None) -> Response:
    store: Store[Engine] = request.app.state.store
    with store.lease(name, version) as served:
        signature = serving_v1.signature_def(served.spec)
        spec = {"name": served.name, "signature_name": "", "version": str(served.version)}
    return _json({"model_spec": spec, "metadata": {"signature_def": {"signature_def": signature}}})


def _json(content: dict[str, Any]) -> Response:
    return Response(to_json(content), media_type="application/json")
