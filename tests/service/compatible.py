"""What tests of the two compatible APIs share."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import httpx

from model.spec import ModelSpec
from service.compatible.tensors_v2 import write_bytes
from tests.service.stand_in import LABELS, picture

RED = picture("red")
RED_BASE64 = base64.b64encode(RED).decode()


def assert_error(response: httpx.Response, status: int, message: str) -> None:
    """That an answer is `{"error": ...}` with this status, whose message this pattern is found in."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json().keys() == {"error"}
    assert re.search(message, response.json()["error"]), response.json()["error"]


def spec_of(*heads: str, **kinds: str) -> ModelSpec:
    """A spec with these heads, over the stand-in's labels, and inputs of these names and kinds."""
    branches = {"image": {"kind": "conv", "filters": [2]}, "text": {"kind": "embedding"}, "tags": {"kind": "tags"}}
    return ModelSpec.parse(
        {
            "inputs": {name: {"kind": kind} for name, kind in kinds.items()},
            "branches": {name: branches[kind] for name, kind in kinds.items()},
            "heads": {head: {"kind": "single_label", "labels": LABELS} for head in heads or ("colour",)},
        },
        what="spec",
    )


def tensor(name: str, *values: str, **changes: Any) -> dict[str, Any]:
    """A BYTES tensor in JSON; a key that is changed to None is left out."""
    told = {"name": name, "shape": [len(values)], "datatype": "BYTES", "data": list(values)} | changes
    return {key: value for key, value in told.items() if value is not None}


def binary_tensor(name: str, data: bytes, count: int = 1, **parameters: Any) -> dict[str, Any]:
    """A BYTES tensor whose data comes behind the JSON."""
    told = {"binary_data_size": len(data)} | parameters
    return {"name": name, "shape": [count], "datatype": "BYTES", "parameters": told}


def framed(request: dict[str, Any], *data: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a request with binary data."""
    told = json.dumps(request).encode()
    return b"".join([told, *data]), {"Inference-Header-Content-Length": str(len(told))}


def as_bytes(*elements: bytes) -> bytes:
    """The binary data of a BYTES tensor."""
    return write_bytes(elements)
