"""The Open Inference Protocol under `/v2`, as KServe and Triton speak it."""

from __future__ import annotations

import time
from functools import partial
from importlib.metadata import version as version_of
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from model.errors import NotReadyError
from model.spec import ModelSpec
from service.answers import size_of
from service.compatible import answer_v2, inference_v2
from service.compatible.tensors_v2 import split
from service.engine import Engine
from service.error_shapes import RESPONSES
from service.intake.json_body import off_the_loop, parse_json
from service.predictor import admitted
from service.routes.compatible_parameters import TimeoutMs, Version, number_of
from service.settings import Settings
from service.store import Store

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"], responses=RESPONSES)

JSON_LENGTH = "Inference-Header-Content-Length"
EXTENSIONS = ("binary_tensor_data", "classification")

_STRING = {"type": "string"}
_NUMBERS = {"type": "array", "items": {"type": "integer"}}
_FLAG = {"type": "boolean"}
_PARAMETERS = {
    "type": "object",
    "properties": {
        "timeout": {"type": "integer", "minimum": 0, "description": "microseconds"},
        "classification": {"type": "integer", "minimum": 1},
        "binary_data": _FLAG,
        "binary_data_output": _FLAG,
        "binary_data_size": {"type": "integer", "minimum": 0},
    },
}
_INPUT = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": _STRING,
        "shape": _NUMBERS,
        "datatype": {"type": "string", "enum": ["BYTES"]},
        "data": {"type": "array", "items": _STRING, "description": "texts; pictures in base64; empty is absent"},
        "parameters": _PARAMETERS,
    },
}
_OUTPUT = {"type": "object", "required": ["name"], "properties": {"name": _STRING, "parameters": _PARAMETERS}}
_REQUEST = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": _STRING,
        "inputs": {"type": "array", "minItems": 1, "items": _INPUT},
        "outputs": {"type": "array", "items": _OUTPUT},
        "parameters": _PARAMETERS,
    },
}
_TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {"name": _STRING, "datatype": _STRING, "shape": _NUMBERS, "data": {"type": "array"}},
}
_RESPONSE = {
    "type": "object",
    "required": ["model_name", "model_version", "outputs"],
    "properties": {
        "model_name": _STRING,
        "model_version": _STRING,
        "id": _STRING,
        "outputs": {"type": "array", "items": _TENSOR},
    },
}
_METADATA = {
    "type": "object",
    "required": ["name", "versions", "platform", "inputs", "outputs"],
    "properties": {
        "name": _STRING,
        "versions": {"type": "array", "items": _STRING},
        "platform": _STRING,
        "inputs": {"type": "array", "items": _TENSOR},
        "outputs": {"type": "array", "items": _TENSOR},
    },
}
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_INFER: dict[str, Any] = {
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _REQUEST}, "application/octet-stream": _BINARY},
        },
        "parameters": [
            {
                "name": JSON_LENGTH,
                "in": "header",
                "description": "length of the JSON, if binary data comes behind it",
                "schema": {"type": "integer", "minimum": 0},
            }
        ],
    },
    "responses": {
        200: {
            "description": "A tensor a head; binary data behind the JSON if that was asked for.",
            "content": {"application/json": {"schema": _RESPONSE}, "application/octet-stream": _BINARY},
        }
    },
}


def _answer(description: str, required: str | None = None) -> dict[int | str, dict[str, Any]]:
    schema = _METADATA if required is None else {"type": "object", "required": [required]}
    return {200: {"description": description, "content": {"application/json": {"schema": schema}}}}


@router.get("", summary="Server metadata", responses=_answer("Name, version, extensions.", "extensions"))
async def server_metadata() -> Response:
    """What this server is, and which extensions it knows."""
    return _json({"name": "bifocal", "version": version_of("bifocal"), "extensions": EXTENSIONS})


@router.get("/health/live", summary="Server live", responses=_answer("It is alive.", "live"))
async def live() -> Response:
    """The process is alive."""
    return _json({"live": True})


@router.get("/health/ready", summary="Server ready", responses=_answer("It is ready.", "ready"))
async def ready(request: Request) -> Response:
    """The models are loaded and requests are welcome; 503 otherwise."""
    _refuse_unready(request)
    return _json({"ready": True})


@router.get("/models/{name}", summary="Model metadata", responses=_answer("What it takes and gives."))
async def model_metadata(request: Request, name: str) -> Response:
    """What the model takes and gives."""
    return _metadata(request, name, None)


@router.get(
    "/models/{name}/versions/{version}", summary="Version metadata", responses=_answer("The same of a version.")
)
async def version_metadata(request: Request, name: str, version: Version) -> Response:
    """What a version takes and gives."""
    return _metadata(request, name, number_of(name, version))


@router.get("/models/{name}/ready", summary="Model ready", responses=_answer("It is ready.", "ready"))
async def model_ready(request: Request, name: str) -> Response:
    """The model answers; 404 or 503 otherwise."""
    return _model_ready(request, name, None)


@router.get("/models/{name}/versions/{version}/ready", summary="Version ready", responses=_answer("It is.", "ready"))
async def version_ready(request: Request, name: str, version: Version) -> Response:
    """The version answers; 404 or 503 otherwise."""
    return _model_ready(request, name, number_of(name, version))


@router.post("/models/{name}/infer", summary="Infer", **_INFER)
async def infer(request: Request, name: str, timeout_ms: TimeoutMs = None) -> Response:
    """Probabilities for BYTES tensors, as JSON or with binary data behind it."""
    return await _infer(request, name, None, timeout_ms)


@router.post("/models/{name}/versions/{version}/infer", summary="Infer with a version", **_INFER)
async def infer_with_version(request: Request, name: str, version: Version, timeout_ms: TimeoutMs = None) -> Response:
    """Probabilities of a version for BYTES tensors."""
    return await _infer(request, name, number_of(name, version), timeout_ms)


async def _infer(request: Request, name: str, version: int | None, timeout_ms: int | None) -> Response:
    settings: Settings = request.app.state.settings
    with admitted(request, name, version, timeout_ms=timeout_ms) as call:
        body = await call.body()
        json_length = request.headers.get(JSON_LENGTH)
        with call.exchange.stage("parse"):
            asked = await off_the_loop(len(body), partial(_read, body, json_length, call.spec, settings))
        del body  # what is waiting need not be held twice
        if asked.timeout_s is not None:
            call.deadline = min(call.deadline, time.monotonic() + asked.timeout_s)
        answers = await call.predict(asked.examples)
        with call.exchange.stage("respond"):
            write = partial(answer_v2.respond, call.served.name, call.served.version, call.spec, asked, answers)
            return await off_the_loop(size_of(call.spec, answers), write)


def _read(body: bytes, json_length: str | None, spec: ModelSpec, settings: Settings) -> inference_v2.InferRequest:
    text, binary = split(body, json_length)
    return inference_v2.read_request(parse_json(text, max_depth=settings.max_json_depth), binary, spec, settings)


def _metadata(request: Request, name: str, version: int | None) -> Response:
    store: Store[Engine] = request.app.state.store
    with store.lease(name, version) as served:
        versions = [state.version for state in store.states(name) if state.state in ("ready", "loaded")]
        return _json(answer_v2.metadata(served.name, versions, served.spec))


def _model_ready(request: Request, name: str, version: int | None) -> Response:
    _refuse_unready(request)
    store: Store[Engine] = request.app.state.store
    with store.lease(name, version) as served:
        return _json({"name": served.name, "ready": True})


def _refuse_unready(request: Request) -> None:
    store: Store[Engine] = request.app.state.store
    if not store.is_loaded:
        raise NotReadyError("The models are still being loaded; ask again in a moment.")
    if store.is_draining:
        raise NotReadyError("The server is shutting down; ask another one.")


def _json(content: Any) -> Response:
    return Response(to_json(content), media_type="application/json")
