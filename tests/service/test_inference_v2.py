"""The Open Inference Protocol v2, as JSON and with binary data behind it."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

from model.errors import MalformedError, RequestError, TooLargeError
from model.spec import ModelSpec
from service.app import create_app
from service.compatible.inference_v2 import InferRequest, RequestedOutput, read_request
from service.compatible.tensors_v2 import read_bytes, split
from service.settings import Settings
from tests.service.compatible import RED, RED_BASE64, as_bytes, assert_error, binary_tensor, framed, spec_of, tensor
from tests.service.running import ask, serving
from tests.service.stand_in import SPEC, Namer, write_bundle

SETTINGS = Settings(max_text_characters=30, max_instances=3)
RED_WORD = [0.25, 0.25, 0.5]
GREEN_WORD = [0.25, 0.5, 0.25]
INFER = "/v2/models/colours/infer"
TEXT = tensor("text", "red")


def read(body: Any, binary: bytes = b"", spec: ModelSpec = SPEC) -> InferRequest:
    return read_request(body, memoryview(binary), spec, SETTINGS)


def test_tensors_in_json_are_read_along_the_batch_and_an_empty_element_is_absent() -> None:
    tensors = [tensor("image", RED_BASE64, ""), tensor("caption", "one", "two"), tensor("tags", "", "red,blue")]

    assert read({"inputs": tensors}).examples == [{"image": RED, "text": "one"}, {"text": "two", "tags": "red,blue"}]


def test_a_tensor_may_have_an_axis_of_one_more_and_be_nested_or_flat() -> None:
    expected = [{"text": "one"}, {"text": "two"}]

    assert read({"inputs": [tensor("text", "one", "two", shape=[2, 1])]}).examples == expected
    assert read({"inputs": [tensor("text", shape=[2, 1], data=[["one"], ["two"]])]}).examples == expected


def test_binary_data_lies_behind_the_json_in_the_order_of_the_tensors() -> None:
    image, words = as_bytes(RED, b""), as_bytes("größe".encode(), b"two")
    tensors = [binary_tensor("image", image, 2), tensor("tags", "", "red"), binary_tensor("text", words, 2)]

    asked = read({"inputs": tensors}, image + words)

    assert asked.examples == [{"image": RED, "text": "größe"}, {"tags": "red", "text": "two"}]


def test_what_is_null_is_not_there() -> None:
    asked = read({"inputs": [TEXT | {"parameters": None}], "outputs": None, "parameters": None, "id": None})

    assert asked == InferRequest(None, None, [{"text": "red"}], [RequestedOutput("colour", False)])


def test_parameters_of_other_servers_are_passed_over_and_a_timeout_is_in_microseconds() -> None:
    parameters = {"timeout": 2_500_000, "priority": 3, "sequence_id": 7, "triton_x": True}

    asked = read({"inputs": [TEXT], "id": "42", "model_name": "colours", "parameters": parameters})

    assert (asked.id, asked.timeout_s) == ("42", 2.5)
    assert read({"inputs": [TEXT], "parameters": {"timeout": 0}}).timeout_s is None
    assert read({"inputs": [TEXT], "parameters": {"timeout": 10**400}}).timeout_s == 600


def test_an_output_says_for_itself_or_the_request_for_all_whether_it_is_binary() -> None:
    spec = spec_of("colour", "shade", text="text")
    outputs = [{"name": "shade", "parameters": {"binary_data": False, "classification": 2}}, {"name": "colour"}]
    asked = read({"inputs": [TEXT], "outputs": outputs, "parameters": {"binary_data_output": True}}, spec=spec)

    assert asked.outputs == [RequestedOutput("shade", False, 2), RequestedOutput("colour", True)]
    assert [one.head for one in read({"inputs": [TEXT]}, spec=spec).outputs] == ["colour", "shade"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([TEXT], "^Expected an object with 'inputs', a list of tensors. Received: a list"),
        ({}, "^'inputs' must be a list of at least one tensor. Received: null"),
        ({"inputs": []}, "^'inputs' must be a list of at least one tensor. Received: none"),
        ({"inputs": ["red"]}, "^Each of 'inputs' must be an object with 'name'"),
        ({"inputs": [{"name": 5}]}, "^Each of 'inputs' must be an object with 'name'"),
        ({"inputs": [tensor("txet", "red")]}, "^The model has no input 'txet'; did you mean 'text'"),
        ({"inputs": [TEXT, tensor("caption", "red")]}, "^'text' is given twice; expected one tensor an input"),
        ({"inputs": [tensor("text", "red", datatype="FP32")]}, "^'text' must be of datatype 'BYTES', .* 'FP32'"),
        ({"inputs": [tensor("text", "red", datatype=None)]}, "^'text' must be of datatype 'BYTES', .* None"),
        ({"inputs": [TEXT, tensor("tags", "x", "y")]}, "^'tags' has 2 elements and 'text' 1; expected as many in all"),
        ({"inputs": [tensor("text", "a", "b", shape=[1])]}, "^The data of 'text' has 2 elements; its shape says 1"),
        ({"inputs": [tensor("text", "a", shape=[2])]}, "^The data of 'text' has 1 elements; its shape says 2"),
        ({"inputs": [tensor("text", data=None, shape=[1])]}, "^The data of 'text' must be a list. Received: null"),
        ({"inputs": [tensor("text", data="red", shape=[1])]}, "^The data of 'text' must be a list. Received: a string"),
        (
            {"inputs": [tensor("text", data=[5], shape=[1])]},
            "^Instance 0: 'text' must hold strings. Received: a number",
        ),
        ({"inputs": [tensor("text", data=[["a", "b"]], shape=[1])]}, "^Instance 0: 'text' must hold .* a list"),
        ({"inputs": [tensor("text", data=[None], shape=[1])]}, "^Instance 0: 'text' must hold strings. Received: null"),
        ({"inputs": [tensor("image", "?")]}, "^Instance 0: 'image' is a picture; expected base64"),
        ({"inputs": [tensor("text", "a", "")]}, "^Instance 1: Every input is absent"),
        ({"inputs": [TEXT | {"parameters": []}]}, "^'text': 'parameters' must be an object. Received: a list"),
        ({"inputs": [TEXT | {"parameters": {"shared_memory_region": "r"}}]}, "^'text' is in shared memory"),
        ({"inputs": [TEXT | {"parameters": {"binary_data_size": 0}}]}, "^'text' has both data and binary_data_size"),
        ({"inputs": [TEXT], "id": 42}, "^'id' must be a string. Received: a number"),
        ({"inputs": [TEXT], "parameters": 5}, "^The request: 'parameters' must be an object"),
        ({"inputs": [TEXT], "parameters": {"timeout": -1}}, "^'timeout' must be a whole number of microseconds"),
        (
            {"inputs": [TEXT], "parameters": {"timeout": -(10**5000)}},
            "^'timeout' must be a whole number of microseconds",
        ),
        ({"inputs": [TEXT], "parameters": {"timeout": True}}, "^'timeout' must be a whole number of microseconds"),
        ({"inputs": [TEXT], "parameters": {"binary_data_output": 1}}, "^'binary_data_output' must be true or false"),
        ({"inputs": [TEXT], "outputs": {}}, "^'outputs' must be a list. Received: an object"),
        ({"inputs": [TEXT], "outputs": ["colour"]}, "^Each of 'outputs' must be an object with 'name'"),
        ({"inputs": [TEXT], "outputs": [{"name": "color"}]}, "^The model has no output 'color'; did you mean 'colour'"),
        ({"inputs": [TEXT], "outputs": [{"name": "colour"}] * 2}, "^The output 'colour' is asked for twice"),
        (
            {"inputs": [TEXT], "outputs": [{"name": "colour", "parameters": {"classification": 0}}]},
            "^'classification' of 'colour' must be a number of labels, at least 1. Received: 0",
        ),
        (
            {"inputs": [TEXT], "outputs": [{"name": "colour", "parameters": {"shared_memory_region": "r"}}]},
            "^The output 'colour' is wanted in shared memory",
        ),
    ],
)
def test_what_does_not_fit_the_model_is_refused(body: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read(body)


@pytest.mark.parametrize(
    "shape", [None, [], [0], [-1], [1, 2], [1, 0], [1, 1, 1], [True], ["1"], [1.0], 1, {"0": 1}, [-(2**70)], [2**63, 2]]
)
def test_a_shape_is_that_of_a_batch_of_strings(shape: Any) -> None:
    with pytest.raises(RequestError, match=r"^'text' must have the shape \[N\] or \[N, 1\], N at least 1. Received: "):
        read({"inputs": [tensor("text", "red") | {"shape": shape}]})


@pytest.mark.parametrize("count", [4, 2**31, 2**63, 10**300])
def test_a_batch_over_the_limit_is_too_large_whatever_data_it_comes_with(count: int) -> None:
    with pytest.raises(TooLargeError, match=rf"^'text' is for {count} examples; at most 3 go into one request"):
        read({"inputs": [tensor("text", "red", shape=[count])]})


@pytest.mark.parametrize(
    ("data", "count", "message"),
    [
        (b"", 1, "^The binary data of 'text' has 0 elements; its shape says 1"),
        (as_bytes(b"a"), 2, "^The binary data of 'text' has 1 elements; its shape says 2"),
        (as_bytes(b"a", b"bc"), 1, "^The binary data of 'text' goes on after its 1 elements: 6 bytes are left"),
        (as_bytes(b"abc")[:-1], 1, "^Element 0 of 'text' is to have 3 bytes; 2 are left"),
        (as_bytes(b"a", b"b")[:7], 2, "^The binary data of 'text' ends within the length of element 1"),
        (struct.pack("<I", 2**32 - 1), 1, "^Element 0 of 'text' is to have 4,294,967,295 bytes; 0 are left"),
        (struct.pack(">I", 1) + b"a", 1, "^Element 0 of 'text' is to have 16,777,216 bytes; 1 are left"),
    ],
)
def test_lengths_that_do_not_fit_the_binary_data_are_malformed(data: bytes, count: int, message: str) -> None:
    with pytest.raises(MalformedError, match=message):
        read_bytes(memoryview(data), count, "text")


@pytest.mark.parametrize("size", [-1, 6, 2**63, 5.0, "5", True, [5]])
def test_a_binary_data_size_that_is_no_part_of_the_body_is_malformed(size: Any) -> None:
    with pytest.raises(MalformedError, match=r"^The binary_data_size of 'text' must be its part of the 5 bytes"):
        read({"inputs": [binary_tensor("text", b"", binary_data_size=size)]}, as_bytes(b"a"))


def test_binary_data_that_no_tensor_claims_is_malformed() -> None:
    with pytest.raises(MalformedError, match=r"^5 bytes behind the JSON belong to no tensor"):
        read({"inputs": [TEXT]}, as_bytes(b"a"))


@pytest.mark.parametrize("length", ["-1", "+3", "4", "1e2", "0x3", "", " 3", "²", "9" * 30, "9" * 5000, "3, 3"])
def test_a_json_length_that_is_none_is_malformed(length: str) -> None:
    with pytest.raises(
        MalformedError, match=r"^Inference-Header-Content-Length must be the length of the JSON within the 3"
    ):
        split(b"{}a", length)


def test_the_json_length_parts_the_body() -> None:
    assert split(b"{}ab", "2") == (b"{}", memoryview(b"ab"))
    assert split(b"{}ab", None) == (b"{}ab", memoryview(b""))


def test_the_answer_has_a_tensor_a_head_and_the_id_of_the_request(stand_in_service: httpx.Client) -> None:
    response = stand_in_service.post(INFER, json={"id": "order 7", "inputs": [tensor("text", "red", "green")]})

    assert response.json() == {
        "model_name": "colours",
        "model_version": "1",
        "id": "order 7",
        "outputs": [{"name": "colour", "datatype": "FP32", "shape": [2, 3], "data": RED_WORD + GREEN_WORD}],
    }
    assert "id" not in stand_in_service.post(INFER, json={"inputs": [TEXT]}).json()


def test_a_binary_answer_comes_behind_its_json(stand_in_service: httpx.Client) -> None:
    data = as_bytes(b"red", b"green")
    request = {"inputs": [binary_tensor("text", data, 2)], "parameters": {"binary_data_output": True}}
    content, headers = framed(request, data)

    response = stand_in_service.post(INFER, content=content, headers=headers)

    length = int(response.headers["inference-header-content-length"])
    (output,) = json.loads(response.content[:length])["outputs"]
    assert response.headers["content-type"] == "application/octet-stream"
    assert output == {"name": "colour", "datatype": "FP32", "shape": [2, 3], "parameters": {"binary_data_size": 24}}
    assert np.frombuffer(response.content[length:], "<f4").tolist() == RED_WORD + GREEN_WORD


@pytest.mark.parametrize(
    ("count", "expected"), [(1, ["0.500000:2:red"]), (9, ["0.500000:2:red", "0.250000:0:blue", "0.250000:1:green"])]
)
def test_a_classification_names_the_most_probable_labels(
    count: int, expected: list[str], stand_in_service: httpx.Client
) -> None:
    outputs = [{"name": "colour", "parameters": {"classification": count}}]
    (output,) = stand_in_service.post(INFER, json={"inputs": [TEXT], "outputs": outputs}).json()["outputs"]

    assert output == {"name": "colour", "datatype": "BYTES", "shape": [1, len(expected)], "data": expected}


def test_a_classification_can_be_binary_too(stand_in_service: httpx.Client) -> None:
    outputs = [{"name": "colour", "parameters": {"classification": 2, "binary_data": True}}]
    response = stand_in_service.post(INFER, json={"inputs": [TEXT], "outputs": outputs})

    length = int(response.headers["inference-header-content-length"])
    assert read_bytes(memoryview(response.content)[length:], 2, "colour") == [b"0.500000:2:red", b"0.250000:0:blue"]


@pytest.fixture(scope="module")
def dotted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service of `my.model-v1_b`, version 3."""
    models = tmp_path_factory.mktemp("dotted")
    write_bundle(models, "my.model-v1_b", 3)
    with serving(models) as service:
        yield service


def test_a_version_is_a_string_and_a_name_may_hold_dots_and_dashes(dotted: httpx.Client) -> None:
    for path in ("my.model-v1_b", "my.model-v1_b/versions/3"):
        metadata = dotted.get(f"/v2/models/{path}").json()
        assert metadata == {
            "name": "my.model-v1_b",
            "versions": ["3"],
            "platform": "tensorflow_savedmodel",
            "inputs": [{"name": name, "datatype": "BYTES", "shape": [-1]} for name in ("image", "text", "tags")],
            "outputs": [{"name": "colour", "datatype": "FP32", "shape": [-1, 3]}],
        }
        assert dotted.get(f"/v2/models/{path}/ready").json() == {"name": "my.model-v1_b", "ready": True}
        answer = dotted.post(f"/v2/models/{path}/infer", json={"inputs": [TEXT]}).json()
        assert (answer["model_name"], answer["model_version"]) == ("my.model-v1_b", "3")


def test_the_server_says_what_it_is_and_that_it_is_ready(stand_in_service: httpx.Client) -> None:
    assert stand_in_service.get("/v2").json() == {
        "name": "bifocal",
        "version": version("bifocal"),
        "extensions": ["binary_tensor_data", "classification"],
    }
    assert stand_in_service.get("/v2/health/live").json() == {"live": True}
    assert stand_in_service.get("/v2/health/ready").json() == {"ready": True}


def test_before_the_models_are_loaded_it_is_alive_and_not_ready(models: Path) -> None:
    write_bundle(models)
    app = create_app(Settings(models=models), Namer)

    assert ask(app, path="/v2/health/live").status_code == 200
    for path in ("/v2/health/ready", "/v2/models/colours/ready", "/v2/models/colours"):
        assert_error(ask(app, path=path), 503, "still being loaded")


def test_while_it_drains_it_is_not_ready(models: Path) -> None:
    app = create_app(Settings(models=models), Namer)
    app.state.store = SimpleNamespace(is_loaded=True, is_draining=True)

    assert_error(ask(app, path="/v2/health/ready"), 503, "shutting down")


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v2/models/mugs", 404, "^No model 'mugs' is served"),
        ("GET", "/v2/models/mugs/ready", 404, "^No model 'mugs' is served"),
        ("POST", "/v2/models/mugs/infer", 404, "^No model 'mugs' is served"),
        ("GET", "/v2/models/colours/versions/7", 404, "^Model 'colours' .*version 1.*7"),
        ("GET", "/v2/models/colours/versions/v1", 404, "has no version 'v1'; expected a number"),
        ("GET", f"/v2/models/colours/versions/{'9' * 5000}", 404, "has no version '9999"),
        ("POST", "/v2/models/colours/versions/-1/infer", 404, "has no version '-1'"),
        ("GET", "/v2/repository/index", 404, "There is no /v2/repository/index here"),
        ("GET", INFER, 405, "does not take GET"),
        ("POST", f"{INFER}?timeout_ms=x", 422, "timeout_ms"),
        ("POST", INFER, 400, "^The body is not JSON"),
    ],
)
def test_errors_have_the_shape_that_clients_of_this_protocol_read(
    method: str, path: str, status: int, message: str, stand_in_service: httpx.Client
) -> None:
    assert_error(stand_in_service.request(method, path), status, message)


def test_a_broken_picture_is_named_with_its_place_in_the_batch(stand_in_service: httpx.Client) -> None:
    data = as_bytes(RED, RED[:40])
    content, headers = framed({"inputs": [binary_tensor("image", data, 2)]}, data)

    assert_error(stand_in_service.post(INFER, content=content, headers=headers), 422, "^Instance 1: Input 'image'")


def test_a_compressed_body_is_refused(stand_in_service: httpx.Client) -> None:
    assert_error(stand_in_service.post(INFER, content=b"...", headers={"Content-Encoding": "gzip"}), 415, "gzip")


def test_a_timeout_of_the_request_shortens_its_deadline(stand_in_service: httpx.Client) -> None:
    body = {"inputs": [tensor("text", *["red"] * 200)], "parameters": {"timeout": 1}}

    response = stand_in_service.post(INFER, json=body)

    assert response.status_code in (503, 504)
    assert_error(response, response.status_code, "deadline|longer than")


def test_cut_off_anywhere_a_binary_request_is_an_error_of_the_caller(stand_in_service: httpx.Client) -> None:
    data = as_bytes(RED)
    content, headers = framed({"inputs": [binary_tensor("image", data)]}, data)

    statuses = {
        stand_in_service.post(INFER, content=content[:end], headers=headers).status_code
        for end in range(0, len(content), 7)
    }

    assert statuses == {400}
