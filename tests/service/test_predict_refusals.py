"""`POST /predict`: what it refuses, with which status and words."""

from __future__ import annotations

import logging
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from model.examples import DecodedExample
from tests.service.running import assert_problem, serving
from tests.service.stand_in import Namer, picture, write_bundle

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def bomb(side: int = 60_000) -> bytes:
    """A whole PNG of a few hundred bytes whose header promises thousands of megapixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def part(disposition: bytes, content: bytes = b"red") -> bytes:
    """The body of a form with one part, whose boundary is x."""
    return b"--x\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("body", "status", "kind", "detail"),
    [
        (b"", 400, "malformed", "The body is not JSON: "),
        (b'{"text": "red"', 400, "malformed", "The body is not JSON: "),
        (b"[" * 100_000, 413, "too-large", "The body is nested deeper than 32 objects and lists."),
        (b"[0," * 100_000, 413, "too-large", "The body has more than 100,000 values."),
        (b'{"text": "a", "text": "b"}', 400, "malformed", "An object has the key 'text' twice; expected each once."),
        (b'{"txet": "red"}', 422, "invalid-request", "The model has no input 'txet'; did you mean 'text'? Valid: "),
        (b'{"text": NaN}', 400, "malformed", "The body is not JSON: "),
        (b'{"text": 5}', 422, "invalid-request", "'text' must be a string. Received: a number."),
        (b'{"text": ["red"]}', 422, "invalid-request", "'text' must be a string. Received: a list."),
        (b'{"text": "\\ud800"}', 400, "malformed", "The body is not JSON: "),
        (b'{"image": "????"}', 422, "invalid-request", "'image' is a picture; expected base64 or a data URL."),
        (b'{"image": "", "text": "red"}', 422, "image-unusable", "Input 'image': The picture is empty"),
        (b'{"image": null, "text": " "}', 422, "invalid-request", "Every input is absent; expected at least one of: "),
        (b"[]", 422, "invalid-request", "The list of instances is empty"),
        (b'{"instances": 1}', 422, "invalid-request", "'instances' must be a list."),
    ],
)  # fmt: skip
def test_json_that_cannot_be_answered_is_refused(
    body: bytes, status: int, kind: str, detail: str, stand_in_service: httpx.Client
) -> None:
    response = stand_in_service.post("/predict", content=body, headers=JSON)

    assert assert_problem(response, status, kind)["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("data", "status", "kind", "detail"),
    [
        (b"", 422, "image-unusable", "The picture is empty"),
        (picture(file_format="JPEG")[:200], 422, "image-unusable", "The picture is "),
        (picture()[:60], 422, "image-unusable", "The picture is "),
        (b"<svg/>", 422, "image-unusable", "This is not a picture of an accepted format. Expected JPEG, PNG,"),
        (bomb(), 413, "image-too-large", "The picture is too large: 60000 x 60000 is 3,600,000,000 pixels"),
    ],
    ids=["empty", "cut off JPEG", "cut off PNG", "SVG", "bomb"],
)
def test_an_unusable_picture_is_refused_by_the_name_of_its_input(
    data: bytes, status: int, kind: str, detail: str, stand_in_service: httpx.Client
) -> None:
    response = stand_in_service.post("/predict", files={"image": ("mug.jpg", data)}, data={"text": "red"})

    assert assert_problem(response, status, kind)["detail"].startswith(f"Input 'image': {detail}")


@pytest.mark.parametrize(
    ("body", "status", "kind", "detail"),
    [
        (b"", 400, "malformed", "The body is not multipart/form-data: It is cut off"),
        (b"--x--", 422, "invalid-request", "Every input is absent"),
        (b"no form at all", 400, "malformed", "The body is not multipart/form-data: "),
        (part(b"form-data"), 400, "malformed", "The body is not multipart/form-data: The Content-Disposition header"),
        (part(b'form-data; name="imgae"'), 422, "invalid-request", "The model has no input 'imgae'; did you mean"),
        (part(b'form-data; name="image"'), 422, "invalid-request", "'image' is a picture; expected a file part"),
        (part(b'form-data; name="text"; filename="a"', b"\xff"), 422, "invalid-request", "'text' is a text, but"),
        (part(b'form-data; name="text"', b" "), 422, "invalid-request", "Every input is absent"),
    ],
)  # fmt: skip
def test_a_form_that_cannot_be_answered_is_refused(
    body: bytes, status: int, kind: str, detail: str, stand_in_service: httpx.Client
) -> None:
    response = stand_in_service.post("/predict", content=body, headers=FORM)

    assert assert_problem(response, status, kind)["detail"].startswith(detail)


@pytest.mark.parametrize("missing", [1, 5, 8, 50, 150])
def test_a_form_that_is_cut_off_is_not_taken_for_one_without_the_rest(
    missing: int, stand_in_service: httpx.Client
) -> None:
    words = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nred\r\n'
    whole = words + part(b'form-data; name="image"; filename="a"', picture()).removesuffix(b"\r\n")

    response = stand_in_service.post("/predict", content=whole[:-missing], headers=FORM)

    detail = assert_problem(response, 400, "malformed")["detail"]
    assert detail == "The body is not multipart/form-data: It is cut off: the closing boundary is missing."
    assert stand_in_service.post("/predict", content=whole, headers=FORM).status_code == 200


def test_a_refused_field_is_named_beside_the_words(stand_in_service: httpx.Client) -> None:
    assert stand_in_service.post("/predict", json={"caption": 5}).json()["input"] == "text"


@pytest.mark.parametrize(
    ("content_type", "detail"),
    [
        ("multipart/form-data", "The body is not multipart/form-data: Missing boundary in multipart."),
        ("multipart/form-data; boundary=y", "The body is not multipart/form-data: "),
        ("multipart/form-data; boundary=x; charset=punycode", "The body is not in the charset"),
        ("multipart/form-data; boundary=x; charset=undefined", "The body is not in the charset"),
    ],
)
def test_a_form_whose_header_does_not_fit_is_malformed(
    content_type: str, detail: str, stand_in_service: httpx.Client
) -> None:
    body = part(b'form-data; name="text"')
    response = stand_in_service.post("/predict", content=body, headers={"Content-Type": content_type})

    assert assert_problem(response, 400, "malformed")["detail"].startswith(detail)


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "image/png", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x"],
)
def test_other_media_types_are_refused(content_type: str | None, stand_in_service: httpx.Client) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    document = assert_problem(stand_in_service.post("/predict", content=b"x", headers=headers), 415, "media-type")

    received = (content_type or "none").partition(";")[0]
    assert document["detail"] == f"Expected multipart/form-data or application/json. Received: {received}."


@pytest.mark.parametrize("content_type", ["Application/JSON; charset=utf-8", "application/vnd.bifocal+json"])
def test_every_way_to_write_json_is_taken(content_type: str, stand_in_service: httpx.Client) -> None:
    response = stand_in_service.post("/predict", content=b'{"text": "red"}', headers={"Content-Type": content_type})

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        (
            "topk=3",
            "query: unknown key 'topk'; did you mean 'top_k'? Valid: explain, model, timeout_ms, top_k, version.",
        ),
        ("top_k=0", "query top_k: Input should be greater than or equal to 1"),
        ("top_k=many", "query top_k: Input should be a valid integer"),
        ("version=newest", "query version: Input should be a valid integer"),
    ],
)
def test_a_parameter_that_is_unknown_or_wrong_is_refused(
    query: str, detail: str, stand_in_service: httpx.Client
) -> None:
    response = stand_in_service.post(f"/predict?{query}", json={"text": "red"})

    assert assert_problem(response, 422, "invalid-request")["detail"].startswith(detail)


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/predictions", 404), ("GET", "/predict", 405)])
def test_a_wrong_path_or_method_is_a_problem_too(
    method: str, path: str, status: int, stand_in_service: httpx.Client
) -> None:
    kind = {404: "not-found", 405: "method-not-allowed"}[status]

    assert_problem(stand_in_service.request(method, path), status, kind)


@pytest.fixture(scope="module")
def strict_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with low limits."""
    models = tmp_path_factory.mktemp("strict")
    write_bundle(models)
    with serving(models, max_body_bytes=2000, max_instances=2, max_text_characters=10, max_pixels=400) as client:
        yield client


@pytest.mark.parametrize(
    ("request_", "kind", "detail"),
    [
        ({"json": {"text": "x" * 3000}}, "too-large", "The body is over 2,000 bytes."),
        ({"files": {"image": bytes(3000)}}, "too-large", "The body is over 2,000 bytes."),
        ({"json": [{"text": "red"}] * 3}, "too-large", "3 instances; at most 2 go into one request."),
        ({"json": {"text": "x" * 11}}, "too-large", "'text' has 11 characters; at most 10 are read."),
        ({"files": {"text": b"x" * 11}}, "too-large", "'text' has 11 characters; at most 10 are read."),
        ({"files": {"image": picture(size=(21, 20))}}, "image-too-large", "Input 'image': The picture is too large"),
    ],
    ids=["json body", "form body", "instances", "text", "text file", "pixels"],
)  # fmt: skip
def test_what_is_over_a_limit_is_told_which(
    request_: dict[str, Any], kind: str, detail: str, strict_service: httpx.Client
) -> None:
    assert assert_problem(strict_service.post("/predict", **request_), 413, kind)["detail"].startswith(detail)


def test_a_text_is_measured_in_characters_and_not_read_when_no_text_has_so_many_bytes(
    stand_in_service: httpx.Client,
) -> None:
    long, too_long = "\U0001f600" * 20_000, "\U0001f600" * 20_000 + "x"

    assert stand_in_service.post("/predict", files={"text": (None, long)}).status_code == 200
    for field in ((None, too_long), ("a.txt", too_long)):
        document = assert_problem(stand_in_service.post("/predict", files={"text": field}), 413, "too-large")
    assert document["detail"] == "'text' is a text of 80,001 bytes; at most 20,000 characters are read."


@pytest.mark.parametrize("headers", [JSON, FORM], ids=["json", "form"])
def test_a_body_sent_in_chunks_is_refused_when_it_is_over_the_limit(
    headers: dict[str, str], strict_service: httpx.Client
) -> None:
    chunks = iter([part(b'form-data; name="image"; filename="a"', bytes(500))[:-5], bytes(900), bytes(900)])

    assert_problem(strict_service.post("/predict", content=chunks, headers=headers), 413, "too-large")


def test_a_large_body_of_another_kind_is_not_read_at_all(strict_service: httpx.Client) -> None:
    response = strict_service.post("/predict?model=none", content=bytes(1999), headers=JSON)

    assert_problem(response, 404, "not-found")


class Broken(Namer):
    """A model that fails while it answers."""

    def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
        raise RuntimeError(f"the password is 1234; {len(examples)} examples")


def test_an_unexpected_error_tells_no_details_but_its_id(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_bundle(models)
    with serving(models, Broken) as service, caplog.at_level(logging.ERROR):
        response = service.post("/predict", json={"text": "red"}, headers={"X-Request-ID": "order-7"})

    document = assert_problem(response, 500, "internal")
    assert document["detail"] == "Something went wrong here; the log says what."
    assert "1234" not in response.text
    assert response.headers["x-request-id"] == "order-7"
    assert "request order-7: an unexpected error" in caplog.messages
