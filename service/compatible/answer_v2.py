"""An answer in the Open Inference Protocol: a tensor a head, as JSON or as binary data behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json
from starlette.responses import Response

from model.spec import ModelSpec
from service.compatible.inference_v2 import InferRequest, RequestedOutput
from service.compatible.tensors_v2 import write_bytes
from service.engine import Answered


def respond(name: str, version: int, spec: ModelSpec, asked: InferRequest, answers: Sequence[Answered]) -> Response:
    """The response to an inference request.

    Args:
        name: of the model.
        version: of the model.
        spec: of the model.
        asked: what was asked for.
        answers: one for each example.
    """
    tensors: list[dict[str, Any]] = []
    binary = []
    for output in asked.outputs:
        probabilities = np.stack([answer.probabilities[output.head] for answer in answers])
        tensor, data = _tensor(output, probabilities, spec.heads[output.head].labels)
        tensors.append(tensor)
        binary.append(data)
    told: dict[str, Any] = {"model_name": name, "model_version": str(version), "outputs": tensors}
    if asked.id is not None:
        told["id"] = asked.id
    body = to_json(told)
    if not any(output.is_binary for output in asked.outputs):
        return Response(body, media_type="application/json")
    headers = {"Inference-Header-Content-Length": str(len(body))}
    return Response(b"".join([body, *binary]), headers=headers, media_type="application/octet-stream")


def metadata(name: str, versions: Sequence[int], spec: ModelSpec) -> Mapping[str, Any]:
    """What a model takes and gives: encoded pictures and texts as BYTES (batch,), FP32 (batch, classes) a head.

    Args:
        name: of the model.
        versions: that can be asked for.
        spec: of the one it is about.
    """
    return {
        "name": name,
        "versions": [str(version) for version in versions],
        "platform": "tensorflow_savedmodel",
        "inputs": [{"name": given, "datatype": "BYTES", "shape": [-1]} for given in spec.inputs],
        "outputs": [
            {"name": name, "datatype": "FP32", "shape": [-1, len(head.labels)]} for name, head in spec.heads.items()
        ],
    }


def _tensor(
    output: RequestedOutput, probabilities: NDArray[np.float32], labels: Sequence[str]
) -> tuple[dict[str, Any], bytes]:
    """A tensor as the JSON tells of it, and its binary data, if it has such."""
    if output.classification is None:
        tensor = {"name": output.head, "datatype": "FP32", "shape": list(probabilities.shape)}
        if output.is_binary:
            return _binary(tensor, probabilities.astype("<f4").tobytes())
        return tensor | {"data": probabilities.ravel().tolist()}, b""
    rows = [_classes(row, labels, output.classification) for row in probabilities]
    tensor = {"name": output.head, "datatype": "BYTES", "shape": [len(rows), len(rows[0])]}
    elements = [text for row in rows for text in row]
    if output.is_binary:
        return _binary(tensor, write_bytes(text.encode("utf-8") for text in elements))
    return tensor | {"data": elements}, b""


def _binary(tensor: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    return tensor | {"parameters": {"binary_data_size": len(data)}}, data


def _classes(probabilities: NDArray[np.float32], labels: Sequence[str], count: int) -> list[str]:
    """The most probable labels as `<probability>:<index>:<label>`, which is how Triton writes them."""
    ranked = np.argsort(-probabilities, kind="stable")[:count]  # equals in label order
    return [f"{probabilities[index]:f}:{index}:{labels[index]}" for index in ranked.tolist()]
