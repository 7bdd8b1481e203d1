"""KServe's own client against both compatible APIs. It lives in an environment of its own: its pins clash with TensorFlow's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model.examples import decode
from tests.service.compatible import RED, RED_BASE64
from tests.service.running import serving
from tests.service.stand_in import SPEC, answer, write_bundle

pytestmark = pytest.mark.slow

SCRIPT = """
import asyncio, base64, json, sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

url, picture = sys.argv[1], base64.b64decode(sys.argv[2])


def tensors(binary, *values):
    for name, value in zip(("image", "text"), values):
        tensor = InferInput(name, [1], "BYTES")
        tensor.set_data_from_numpy(np.array([value], object), binary_data=binary)
        yield tensor


async def main():
    told = {}
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        told["live"] = await client.is_server_live(url)
        told["ready"] = await client.is_server_ready(url)
        told["models"] = [await client.is_model_ready(url, name) for name in ("colours", "mugs")]
        for form, binary, image in (("binary", True, picture), ("json", False, sys.argv[2])):
            request = InferRequest(
                "colours",
                list(tensors(binary, image, "green")),
                request_id="order-7",
                request_outputs=[RequestedOutput("colour", {"binary_data": binary})],
            )
            response = await client.infer(url, request, model_name="colours")
            told[form] = [response.id, response.model_name, response.outputs[0].as_numpy().tolist()]
        asked = {"inputs": [{"name": "txet", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}
        try:
            await client.infer(url, asked, model_name="colours")
        except httpx.HTTPStatusError as error:
            told["error"] = str(error)
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        asked = {"instances": [{"image": {"b64": sys.argv[2]}, "text": "green"}]}
        told["v1"] = await client.infer(url, asked, model_name="colours")
    print(json.dumps(told))


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def kserve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with KServe's client."""
    home = tmp_path_factory.mktemp("kserve")
    python = home / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    commands = (
        [*uv, "venv", "--python", sys.executable, str(home)],
        [*uv, "pip", "install", "--python", str(python), "kserve"],
    )
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            pytest.skip(f"KServe's client can't be installed: {done.stderr.strip()[-300:]}")
    return python


@pytest.fixture(scope="module")
def told(kserve: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What KServe's client has to tell of a service of the model `colours`."""
    models = tmp_path_factory.mktemp("models")
    write_bundle(models)
    with serving(models) as service:
        command = [str(kserve), "-c", SCRIPT, str(service.base_url).rstrip("/"), RED_BASE64]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_it_finds_the_server_and_the_model_ready(told: dict[str, Any]) -> None:
    assert (told["live"], told["ready"], told["models"]) == (True, True, [True, False])


def test_it_infers_with_binary_data_and_with_json_and_over_version_one(told: dict[str, Any]) -> None:
    expected = [answer(decode(SPEC, {"image": RED, "text": "green"}))["colour"].tolist()]

    assert told["binary"] == told["json"] == ["order-7", "colours", [pytest.approx(expected[0], abs=1e-6)]]
    assert told["v1"] == {"predictions": [pytest.approx(expected[0], abs=1e-6)]}


def test_it_raises_what_the_service_says(told: dict[str, Any]) -> None:
    assert told["error"].startswith("The model has no input 'txet'; did you mean 'text'?")
    assert "422 Unprocessable" in told["error"]
