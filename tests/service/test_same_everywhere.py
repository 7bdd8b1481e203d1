"""The same example has the same probabilities in every protocol and form, of a real network."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput

from service.client import Client
from tests.service.stand_in import picture

LABELS = ("blue", "green", "red")
PNG = picture((220, 30, 30))
BASE64 = base64.b64encode(PNG).decode()
TEXT, TAGS = "a tomato number 0", "redish,thing"
ONE = {"image": BASE64, "text": TEXT, "tags": TAGS}
ROW = ONE | {"image": {"b64": BASE64}}
COLUMNS = {name: [value] for name, value in ROW.items()}
TENSORS = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [value]} for name, value in ONE.items()]


def predicted(prediction: dict[str, Any]) -> list[float]:
    probabilities = prediction["heads"]["colour"]["probabilities"]
    return [probabilities[label] for label in LABELS]


def multipart(service: httpx.Client) -> list[float]:
    files = {"image": ("photo.png", PNG)}
    return predicted(service.post("/predict", files=files, data={"text": TEXT, "tags": TAGS}).json()["predictions"][0])


def json_one(service: httpx.Client) -> list[float]:
    return predicted(service.post("/predict", json=ONE).json()["predictions"][0])


def json_many(service: httpx.Client) -> list[float]:
    others = [{"text": "sky"}, {"tags": "greenish"}]
    return predicted(service.post("/predict", json={"instances": [*others, ONE, *others]}).json()["predictions"][2])


def v1_rows(service: httpx.Client) -> Any:
    return service.post("/v1/models/tiny:predict", json={"instances": [ROW]}).json()["predictions"][0]


def v1_columns(service: httpx.Client) -> Any:
    return service.post("/v1/models/tiny/versions/1:predict", json={"inputs": COLUMNS}).json()["outputs"][0]


def v2_json(service: httpx.Client) -> Any:
    return service.post("/v2/models/tiny/infer", json={"inputs": TENSORS}).json()["outputs"][0]["data"]


def v2_binary(service: httpx.Client) -> Any:
    inputs = []
    for name, value in (("image", PNG), ("text", TEXT), ("tags", TAGS)):
        inputs.append(InferInput(name, [1, 1], "BYTES"))
        inputs[-1].set_data_from_numpy(np.array([[value]], object))
    with InferenceServerClient(service.base_url.netloc.decode()) as client:
        result = client.infer("tiny", inputs, outputs=[InferRequestedOutput("colour")])
    return result.as_numpy("colour")[0].tolist()


def python_client(service: httpx.Client) -> list[float]:
    with Client(str(service.base_url)) as client:
        probabilities = client.predict(image=PNG, text=TEXT, tags=TAGS).heads["colour"].probabilities
    return [probabilities[label] for label in LABELS]


@pytest.fixture(scope="module")
def expected(tiny_service: httpx.Client) -> NDArray[np.float64]:
    """What `/predict` says to a form, at least two labels of which are told apart."""
    values = np.array(multipart(tiny_service))
    assert values.max() - values.min() > 0.05
    return values


@pytest.mark.parametrize("form", [json_one, json_many, v1_rows, v1_columns, v2_json, v2_binary, python_client])
def test_every_form_of_a_request_gets_the_same_probabilities(
    form: Callable[[httpx.Client], list[float]], expected: NDArray[np.float64], tiny_service: httpx.Client
) -> None:
    assert np.abs(np.array(form(tiny_service)) - expected).max() <= 1e-6
