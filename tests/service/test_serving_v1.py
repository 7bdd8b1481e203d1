"""TensorFlow Serving's REST API."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from model.errors import RequestError, TooLargeError
from model.spec import ModelSpec
from service.compatible.serving_v1 import PredictRequest, outputs, predictions, read_request, signature_def
from service.engine import Answered
from service.settings import Settings
from tests.service.compatible import RED, RED_BASE64, assert_error, spec_of
from tests.service.running import serving
from tests.service.stand_in import SPEC, write_bundle

SETTINGS = Settings(max_text_characters=30, max_instances=3)
PICTURE = {"b64": RED_BASE64}
RED_WORD = [0.25, 0.25, 0.5]
GREEN_WORD = [0.25, 0.5, 0.25]
PREDICT = "/v1/models/colours:predict"


def read(body: Any, spec: ModelSpec = SPEC) -> PredictRequest:
    return read_request(body, spec, SETTINGS)


def encoded(text: str) -> dict[str, str]:
    return {"b64": base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("row", "example"),
    [
        ({"image": PICTURE, "text": "a mug"}, {"image": RED, "text": "a mug"}),
        ({"text": encoded("größe"), "tags": encoded("red,blue")}, {"text": "größe", "tags": "red,blue"}),
        ({"caption": "a mug", "tags": ["red", "blue"]}, {"text": "a mug", "tags": "red,blue"}),
        ({"image": None, "text": "a mug"}, {"text": "a mug"}),
        ({"image": {"b64": ""}}, {"image": b""}),  # decoding will say that it is no picture
    ],
)
def test_a_row_is_an_object_with_a_value_an_input(row: dict[str, Any], example: dict[str, Any]) -> None:
    assert read({"instances": [row]}) == PredictRequest([example], in_columns=False)


def test_columns_are_the_same_examples_turned_round() -> None:
    rows = [{"image": PICTURE, "text": "one"}, {"image": None, "text": "two", "tags": "red"}]
    columns = {"image": [PICTURE, None], "text": ["one", "two"], "tags": [None, "red"]}

    asked = read({"inputs": columns, "signature_name": "serving_default"})

    assert asked.in_columns
    assert asked.examples == read({"instances": rows, "signature_name": ""}).examples
    assert read({"inputs": {"image": None, "text": ["one"]}}).examples == [{"text": "one"}]


@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_the_name_of_the_only_input_may_be_left_out(key: str) -> None:
    assert read({key: ["one", encoded("two")]}, spec_of(title="text")).examples == [{"title": "one"}, {"title": "two"}]
    assert read({key: [PICTURE]}, spec_of(photo="image")).examples == [{"photo": RED}]
    assert read({"instances": [{"title": "one"}]}, spec_of(title="text")).examples == [{"title": "one"}]
    assert read({"inputs": {"title": ["one"]}}, spec_of(title="text")).examples == [{"title": "one"}]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([{"text": "x"}], "^Expected either 'instances', .* Received: a list"),
        ({}, "^Expected either 'instances', a list of rows, or 'inputs', an object of columns. Received: neither"),
        ({"instances": [{"text": "x"}], "inputs": {"text": ["x"]}}, "^Expected either .* Received: both"),
        ({"instance": [{"text": "x"}]}, "^A request to predict has no key 'instance'; did you mean 'instances'"),
        (
            {"signature_name": "explain", "instances": []},
            "^The model has no signature 'explain'; expected 'serving_def",
        ),
        ({"signature_name": 5, "instances": []}, "^The model has no signature 5; expected"),
        ({"signature_name": [], "instances": []}, r"^The model has no signature \[\]; expected"),
        ({"instances": {"text": "x"}}, "^'instances' must be a list. Received: an object"),
        ({"instances": []}, "^There are no instances; expected at least one"),
        (
            {"instances": ["x"]},
            "^Instance 0: expected an object with a value for each of: image, text, tags. Received: a",
        ),
        ({"instances": [PICTURE]}, "^Instance 0: expected an object with a value for each"),
        ({"instances": [{"text": "x"}, {"text": 5}]}, r'^Instance 1: \'text\' must be a string or {"b64": "<base64>"}'),
        ({"instances": [{"text": ["x"]}]}, "^Instance 0: 'text' must be a string .* Received: a list"),
        ({"instances": [{"txet": "x"}]}, "^Instance 0: The model has no input 'txet'; did you mean 'text'"),
        ({"instances": [{"text": "x", "caption": "y"}]}, "^Instance 0: 'text' is given twice"),
        ({"instances": [{"image": RED_BASE64}]}, r'^Instance 0: \'image\' is a picture; expected {"b64": "<base64>"}'),
        ({"instances": [{"image": {"b64": 5}}]}, "^Instance 0: 'image' is a picture; .* Received: an object"),
        ({"instances": [{"image": {"b64": "?"}}]}, "^Instance 0: 'image' is a picture; expected base64"),
        ({"instances": [{"text": {"b64": "/w=="}}]}, "^Instance 0: 'text' is a text, but .* not UTF-8"),
        ({"instances": [{"text": {"b64": "eA==", "x": 1}}]}, "^Instance 0: 'text' must be a string .* an object"),
        ({"instances": [{"text": "x"}, {}]}, "^Instance 1: Every input is absent"),
        ({"inputs": ["x"]}, "^'inputs' must be an object with a list for each of: image, text, tags. Received: a list"),
        ({"inputs": "x"}, "^'inputs' must be an object with a list .* Received: a string"),
        ({"inputs": {"text": "x"}}, "^'text' must be a list with a value for each example. Received: a string"),
        ({"inputs": {"txet": ["x"]}}, "^The model has no input 'txet'"),
        ({"inputs": {"text": ["x"], "caption": ["y"]}}, "^Instance 0: 'text' is given twice"),
        ({"inputs": {"text": ["x"], "tags": ["y", "z"]}}, "^All inputs .* Received: 'text' has 1, 'tags' has 2"),
        ({"inputs": {"text": None}}, "^There are no instances"),
        ({"inputs": {}}, "^There are no instances"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(body: Any, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read(body)


@pytest.mark.parametrize("body", [{"instances": [{"text": "x"}] * 4}, {"inputs": {"text": ["x"] * 4}}])
def test_too_many_instances_are_too_large(body: Any) -> None:
    with pytest.raises(TooLargeError, match=r"^4 instances; at most 3 go into one request"):
        read(body)


def test_a_text_over_the_limit_is_too_large_also_in_base64() -> None:
    with pytest.raises(TooLargeError, match=r"^Instance 0: 'text' has 31 characters; at most 30"):
        read({"instances": [{"text": encoded("x" * 31)}]})


def test_of_several_heads_the_answer_is_an_object() -> None:
    spec = spec_of("colour", "shade", title="text")
    values = np.float32([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]])
    answers = [Answered({"colour": row, "shade": row[::-1]}, ()) for row in values]

    assert predictions(spec, answers) == [
        {"colour": [0.5, 0.25, 0.25], "shade": [0.25, 0.25, 0.5]},
        {"colour": [0.125, 0.125, 0.75], "shade": [0.75, 0.125, 0.125]},
    ]
    assert outputs(spec, answers) == {
        "colour": [[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]],
        "shade": [[0.25, 0.25, 0.5], [0.75, 0.125, 0.125]],
    }


def test_rows_are_answered_with_predictions_and_columns_with_outputs(stand_in_service: httpx.Client) -> None:
    rows = stand_in_service.post(PREDICT, json={"instances": [{"text": "red"}, {"tags": "green"}]})
    columns = stand_in_service.post(PREDICT, json={"inputs": {"text": ["red", None], "tags": [None, "green"]}})

    assert rows.json() == {"predictions": [RED_WORD, GREEN_WORD]}
    assert columns.json() == {"outputs": [RED_WORD, GREEN_WORD]}
    assert rows.headers["content-type"] == "application/json"


def test_the_media_type_does_not_matter(stand_in_service: httpx.Client) -> None:
    body = b'{"instances": [{"text": "red"}]}'
    headers = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl -d says, as in TensorFlow's examples

    assert stand_in_service.post(PREDICT, content=body, headers=headers).json() == {"predictions": [RED_WORD]}


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service of versions 2 and 10 of `my.model-v1_b`, of which 10 is damaged."""
    models = tmp_path_factory.mktemp("two")
    write_bundle(models, "my.model-v1_b", 2)
    (write_bundle(models, "my.model-v1_b", 10) / "saved_model.pb").write_bytes(b"other bytes")
    with serving(models) as service:
        yield service


def test_a_name_may_hold_dots_and_dashes_and_a_version_can_be_asked_for(two_versions: httpx.Client) -> None:
    body = {"instances": [{"text": "red"}]}
    for path in ("my.model-v1_b:predict", "my.model-v1_b/versions/2:predict", "my%2Emodel-v1_b:predict"):
        assert two_versions.post(f"/v1/models/{path}", json=body).json() == {"predictions": [RED_WORD]}

    assert_error(two_versions.post("/v1/models/my.model-v1_b/versions/10:predict", json=body), 404, "version")
    assert_error(two_versions.post("/v1/models/my.model:predict", json=body), 404, "No model 'my.model'")


def test_the_status_lists_the_versions_newest_first(two_versions: httpx.Client) -> None:
    status = two_versions.get("/v1/models/my.model-v1_b").json()["model_version_status"]

    assert [(one["version"], one["state"]) for one in status] == [("10", "END"), ("2", "AVAILABLE")]
    assert status[0]["status"]["error_code"] == "FAILED_PRECONDITION"
    assert "is damaged" in status[0]["status"]["error_message"]
    assert status[1]["status"] == {"error_code": "OK", "error_message": ""}
    assert two_versions.get("/v1/models/my.model-v1_b/versions/2").json() == {"model_version_status": [status[1]]}


def test_the_metadata_is_what_this_api_takes_and_gives(stand_in_service: httpx.Client) -> None:
    metadata = stand_in_service.get("/v1/models/colours/metadata").json()
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]

    assert metadata["model_spec"] == {"name": "colours", "signature_name": "", "version": "1"}
    assert stand_in_service.get("/v1/models/colours/versions/1/metadata").json() == metadata
    assert signature["inputs"].keys() == {"image", "text", "tags"}
    assert signature["inputs"]["image"] == {
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
        "name": "image",
    }
    assert [one["size"] for one in signature["outputs"]["colour"]["tensor_shape"]["dim"]] == ["-1", "3"]
    assert signature["method_name"] == "tensorflow/serving/predict"


def test_tensorflow_can_read_the_metadata_as_the_message_it_is_in_tensorflow_serving() -> None:
    meta_graph_pb2 = pytest.importorskip("tensorflow.core.protobuf.meta_graph_pb2")
    json_format = pytest.importorskip("google.protobuf.json_format")
    signature = json_format.ParseDict(signature_def(SPEC)["serving_default"], meta_graph_pb2.SignatureDef())

    assert [size.size for size in signature.outputs["colour"].tensor_shape.dim] == [-1, 3]
    assert signature.inputs["image"].dtype == 7  # DT_STRING


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v1/models/mugs", 404, "^No model 'mugs'. Valid: colours"),
        ("GET", "/v1/models/colours/versions/7", 404, "^Model 'colours' has no version 7"),
        ("GET", "/v1/models/colours/versions/x", 404, "has no version 'x'; expected a number"),
        ("GET", f"/v1/models/colours/versions/{'9' * 5000}", 404, "has no version '9999"),
        ("GET", "/v1/models/colours/versions/1:predict", 404, "has no version '1:predict'"),
        ("GET", "/v1/models/colours/versions/7/metadata", 404, "^Model 'colours' .*version 1.*7"),
        ("GET", "/v1/models/mugs/metadata", 404, "No model 'mugs' is served"),
        ("GET", "/v1/models", 404, "There is no /v1/models here"),
        ("GET", "/v1/models/colours/labels/stable", 404, "There is no /v1"),
        ("DELETE", "/v1/models/colours", 405, "does not take DELETE"),
        ("POST", "/v1/models/colours:classify", 405, "does not take POST"),
        ("POST", "/v1/models/colours:predict?timeout_ms=0", 422, "timeout_ms"),
    ],
)
def test_errors_have_the_shape_that_clients_of_this_api_read(
    method: str, path: str, status: int, message: str, stand_in_service: httpx.Client
) -> None:
    assert_error(stand_in_service.request(method, path), status, message)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "^The body is not JSON"),
        (b'{"instances": [', 400, "^The body is not JSON"),
        (b'{"instances": [{"text": "x"}], "instances": []}', 400, "twice"),
        (b"[" * 1000, 413, "^The body is nested deeper than 32"),
        (b'{"instances": [{"text": 1e999}]}', 422, "must be a string"),
        (b'{"instances": [{"image": {"b64": "AAAA"}}]}', 422, "Input 'image'"),
        (b'{"instances": [{"text": "x"}, {"image": {"b64": "AAAA"}}]}', 422, "^Instance 1: Input 'image'"),
    ],
)
def test_a_body_that_cannot_be_read_is_an_error_of_the_caller(
    body: bytes, status: int, message: str, stand_in_service: httpx.Client
) -> None:
    assert_error(stand_in_service.post(PREDICT, content=body), status, message)


def test_a_compressed_body_is_refused(stand_in_service: httpx.Client) -> None:
    response = stand_in_service.post(PREDICT, content=b"...", headers={"Content-Encoding": "gzip"})

    assert_error(response, 415, "gzip")


def test_before_the_models_are_loaded_the_answer_says_to_come_again(models: Path) -> None:
    from service.app import create_app
    from tests.service.running import ask
    from tests.service.stand_in import Namer

    write_bundle(models)
    app = create_app(Settings(models=models), Namer)
    for method, path in (("POST", ":predict"), ("GET", ""), ("GET", "/metadata")):
        response = ask(app, method, f"/v1/models/colours{path}")
        assert_error(response, 503, "still being loaded")
        assert int(response.headers["retry-after"]) >= 1


def test_the_document_shows_both_apis_with_errors_in_their_own_shape(stand_in_service: httpx.Client) -> None:
    paths = stand_in_service.get("/openapi.json").json()["paths"]
    ours = {path: operations for path, operations in paths.items() if path.startswith(("/v1", "/v2"))}

    assert len(ours) == 15
    for operations in ours.values():
        for operation in operations.values():
            error = operation["responses"]["default"]["content"]
            assert list(error) == ["application/json"]
            assert error["application/json"]["schema"]["required"] == ["error"]
