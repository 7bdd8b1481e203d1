"""How a picture and words travel to a server and its probabilities back: whole HTTP requests, made once."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.serving.pictures import Asked

_BOUNDARY = "benchmark-3f1c9a7d52"


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Args:
        status: of HTTP.
        headers: their names in small letters.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Wire:
    """A way to ask.

    Args:
        path: of the URL.
        body: from what is asked to the headers that speak of the body, and the body.
        probabilities: out of an answer with status 200, in the order of the labels.
    """

    path: str
    body: Callable[[Asked], tuple[Mapping[str, str], bytes]]
    probabilities: Callable[[Answer], Sequence[float]]

    def request(self, asked: Asked, *, port: int) -> bytes:
        """A whole request as it goes over the wire."""
        headers, body = self.body(asked)
        lines = [f"POST {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode() + body


def multipart_body(asked: Asked) -> tuple[Mapping[str, str], bytes]:
    """A form with a file part `image` and a field `text`, as curl and browsers send it."""
    disposition = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
    before = f'{disposition}"image"; filename="picture.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    after = f'\r\n{disposition}"text"\r\n\r\n{asked.text}\r\n--{_BOUNDARY}--\r\n'
    return {
        "Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"
    }, before.encode() + asked.image + after.encode()


def _json(value: object) -> tuple[Mapping[str, str], bytes]:
    return {"Content-Type": "application/json"}, json.dumps(value).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bentoml_json(asked: Asked) -> tuple[Mapping[str, str], bytes]:
    return _json({"asked": [{"image": _base64(asked.image), "text": asked.text}]})


def _v2_json(asked: Asked) -> tuple[Mapping[str, str], bytes]:
    def tensor(name: str, value: str, content_type: str) -> dict[str, Any]:
        parameters = {"content_type": content_type}
        return {"name": name, "shape": [1, 1], "datatype": "BYTES", "parameters": parameters, "data": [value]}

    return _json({"inputs": [tensor("image", _base64(asked.image), "base64"), tensor("text", asked.text, "str")]})


def _v2_binary(asked: Asked) -> tuple[Mapping[str, str], bytes]:
    tensors, data = [], b""
    for name, value in (("image", asked.image), ("text", asked.text.encode())):
        element = struct.pack("<I", len(value)) + value
        parameters = {"binary_data_size": len(element)}
        tensors.append({"name": name, "shape": [1, 1], "datatype": "BYTES", "parameters": parameters})
        data += element
    outputs = [{"name": "probabilities", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": tensors, "outputs": outputs}).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return headers, head + data


def _of_ours(answer: Answer) -> Sequence[float]:
    return list(json.loads(answer.body)["predictions"][0]["heads"]["label"]["probabilities"].values())


def _of_peer(answer: Answer) -> Sequence[float]:
    return list(json.loads(answer.body)["probabilities"].values())


def _of_bentoml_batch(answer: Answer) -> Sequence[float]:
    return list(json.loads(answer.body)[0]["probabilities"].values())


def _of_v2_json(answer: Answer) -> Sequence[float]:
    data: list[float] = json.loads(answer.body)["outputs"][0]["data"]
    return data


def _of_v2_binary(answer: Answer) -> Sequence[float]:
    data = answer.body[int(answer.headers["inference-header-content-length"]) :]
    return struct.unpack(f"<{len(data) // 4}f", data)


OURS = Wire("/predict", multipart_body, _of_ours)
MULTIPART = Wire("/predict", multipart_body, _of_peer)
BENTOML_JSON = Wire("/predict", _bentoml_json, _of_bentoml_batch)
V2_JSON = Wire("/v2/models/benchmark/infer", _v2_json, _of_v2_json)
V2_BINARY = Wire("/v2/models/benchmark/infer", _v2_binary, _of_v2_binary)
