"""The client for Python programs, against a running service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from model.errors import ServiceError
from service.client import Client
from tests.service.stand_in import picture


@pytest.fixture(scope="module")
def client(stand_in_service: httpx.Client) -> Iterator[Client]:
    with Client(str(stand_in_service.base_url)) as client:
        yield client


def answering(response: httpx.Response, seen: list[httpx.Request] | None = None) -> Client:
    """A client of a service that always answers the same."""

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        return response

    return Client("http://service", transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    "inputs",
    [{"image": picture("blue")}, {"text": "a blue mug"}, {"tags": "blue,mug"}, {"caption": "größe: blue ☕"}],
    ids=["picture", "text", "tags", "alias"],
)
def test_each_input_alone_is_enough(inputs: dict[str, Any], client: Client) -> None:
    prediction = client.predict(**inputs)

    assert prediction["heads"]["colour"]["label"] == "blue"
    assert len(prediction["absent"]) == 2


def test_a_picture_is_given_as_bytes_or_by_its_path(client: Client, tmp_path: Path) -> None:
    (tmp_path / "mug.png").write_bytes(picture("green"))

    by_path = client.predict(image=tmp_path / "mug.png", text="a mug", tags="green")

    assert by_path == client.predict(image=picture("green"), text="a mug", tags="green")
    assert by_path["absent"] == []


def test_top_k_and_the_model_are_passed_on(client: Client) -> None:
    prediction = client.predict(text="red", top_k=1, model="colours")

    assert [one["label"] for one in prediction["heads"]["colour"]["top"]] == ["red"]
    with pytest.raises(ServiceError, match="404 Not Found: No model 'cups' is served"):
        client.predict(text="red", model="cups")


def test_a_refusal_is_an_error_with_the_problem_in_it(client: Client) -> None:
    with pytest.raises(ServiceError, match=r"^422 Unprocessable \w+: The model has no input 'txet'; did you") as caught:
        client.predict(txet="a mug")

    assert caught.value.status == 422
    assert caught.value.problem["type"] == "urn:bifocal:problem:invalid-request"


def test_an_error_page_of_a_proxy_is_a_service_error_too() -> None:
    page = httpx.Response(502, html="<h1>Bad Gateway</h1>")
    with answering(page) as client, pytest.raises(ServiceError, match=r"^502 .*<h1>Bad Gateway</h1>"):
        client.predict(text="red")


def test_a_service_that_cannot_be_reached_is_an_error_of_httpx() -> None:
    with Client("http://127.0.0.1:9", timeout_s=5) as client, pytest.raises(httpx.ConnectError):
        client.predict(text="red")


def test_what_is_sent_is_one_form_with_a_file_only_for_the_picture() -> None:
    seen: list[httpx.Request] = []
    with answering(httpx.Response(200, json={"predictions": [{}]}), seen) as client:
        client.predict(image=b"a picture", text="red")

    (request,) = seen
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="image"; filename="image"' in request.content
    assert b'name="text"\r\n\r\nred\r\n' in request.content
    assert request.url.params == httpx.QueryParams(top_k=5)


def test_a_version_is_passed_on_and_no_input_is_refused_at_once() -> None:
    seen: list[httpx.Request] = []
    with answering(httpx.Response(200, json={"predictions": [{}]}), seen) as client:
        client.predict(text="red", version=3)
        with pytest.raises(ValueError, match="Give at least one input"):
            client.predict()

    assert [request.url.params["version"] for request in seen] == ["3"]


def test_an_input_of_another_type_is_refused_at_once() -> None:
    with (
        answering(httpx.Response(200)) as client,
        pytest.raises(TypeError, match="'tags' must be a path"),
    ):
        client.predict(tags=["a", "b"])  # type: ignore[arg-type]
