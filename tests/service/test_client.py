"""The client for Python programs, against a running service and against scripted ones."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from model.errors import ServiceError
from model.images import decode
from service.client import Client
from service.client import request as requests
from service.settings import MAX_TIMEOUT_MS, Settings
from tests.service.scripted import Scripted, echoed, predictions
from tests.service.stand_in import picture


@pytest.fixture(scope="module")
def client(stand_in_service: httpx.Client) -> Iterator[Client]:
    with Client(str(stand_in_service.base_url)) as client:
        yield client


@pytest.mark.parametrize(
    "inputs",
    [
        {"image": picture("blue")},
        {"text": "a blue mug"},
        {"tags": "blue,mug"},
        {"tags": ["blue", "mug"]},
        {"caption": "größe: blue ☕"},
        {"image": Image.new("RGB", (9, 7), "blue"), "text": None},
    ],
    ids=["picture", "text", "tags", "list of tags", "alias", "PIL image"],
)
def test_each_input_alone_is_enough(inputs: dict[str, Any], client: Client) -> None:
    prediction = client.predict(**inputs)

    assert prediction.heads["colour"].label == prediction.label == "blue"
    assert prediction.probability == prediction.heads["colour"].probabilities["blue"] > 0.4
    assert (prediction.model, prediction.version) == ("colours", 1)
    assert len(prediction.absent) == 2


def test_a_picture_is_given_as_bytes_or_by_its_path_or_as_a_list_of_many(client: Client, tmp_path: Path) -> None:
    (tmp_path / "mug.png").write_bytes(picture("green"))
    others = {"text": "a mug", "tags": "green"}

    by_path = client.predict(image=tmp_path / "mug.png", **others)
    as_bytes = client.predict(image=picture("green"), **others)
    with Image.open(tmp_path / "mug.png") as image:
        (opened,) = client.predict_many([{"image": image, **others}])

    assert by_path.heads == as_bytes.heads == opened.heads
    assert by_path.absent == ()


def test_top_k_and_the_model_are_passed_on(client: Client) -> None:
    prediction = client.predict(text="red", top_k=1, model="colours")

    assert [one.label for one in prediction.heads["colour"].top] == ["red"]
    with pytest.raises(ServiceError, match="404 Not Found: No model 'cups' is served"):
        client.predict(text="red", model="cups")


def test_many_are_cut_into_requests_and_come_back_in_order(client: Client) -> None:
    colours = ["red", "green", "blue", "red", "blue"]

    found = client.predict_many(({"text": colour} for colour in colours), max_instances=2)

    assert [one.label for one in found] == colours
    assert len({one.request_id for one in found}) == 3
    assert client.predict_many([]) == []


def test_a_refused_one_of_many_is_named_by_its_request(client: Client) -> None:
    with pytest.raises(ServiceError, match=r"Instance 1: 'text' must be a string\. Received: a list") as caught:
        client.predict_many([{"text": "red"}, {"text": "red"}, {"text": "red"}, {"text": ["red"]}], max_instances=2)

    assert caught.value.__notes__ == ["Instances are counted from 0 within a request; this one began with example 2."]


def test_what_is_served_can_be_asked_for(client: Client) -> None:
    (listed,) = client.models()

    assert (listed.name, listed.labels["colour"]) == ("colours", ["blue", "green", "red"])
    assert [(one.version, one.state) for one in client.model("colours").versions] == [(1, "ready")]
    with pytest.raises(ServiceError, match="404"):
        client.model("cups/../colours")


def test_reasons_are_given_when_they_are_asked_for(client: Client) -> None:
    explained = client.predict(image=picture("red"), text="red mug", explain=True).explanation

    assert explained is not None
    assert explained["colour"].label == "red"
    assert explained["colour"].tokens["text"] == (("red", 0.5), ("mug", 0.5))
    assert explained["colour"].shares.keys() == {"image", "text", "tags"}
    assert decode(explained["colour"].heatmaps["image"].png, height=8, width=8).max() == 255
    assert client.predict(text="red").explanation is None


def test_readiness_is_a_question_and_not_an_error(client: Client) -> None:
    client.wait_until_ready(timeout_s=5)

    assert client.is_ready()
    with Client("http://127.0.0.1:9") as nobody:
        assert not nobody.is_ready()
        with pytest.raises(TimeoutError, match=r"not ready after 0\.1 s"):
            nobody.wait_until_ready(timeout_s=0.1)


def test_a_refusal_is_an_error_with_the_problem_in_it(client: Client) -> None:
    with pytest.raises(ServiceError, match=r"^422 Unprocessable \w+: The model has no input 'txet'; did you") as caught:
        client.predict(txet="a mug")

    assert caught.value.status == 422
    assert caught.value.problem["type"] == "urn:bifocal:problem:invalid-request"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(502, html="<h1>Bad Gateway</h1>"), r"^502 Bad Gateway: <h1>Bad Gateway</h1>"),
        (httpx.Response(200, html="<h1>Log in</h1>"), "^200 No answer of this service: <h1>Log in</h1>"),
        (httpx.Response(200, json=["fine"]), r'^200 No answer of this service: \["fine"\]'),
    ],
)
def test_what_a_proxy_says_is_a_service_error_too(answer: httpx.Response, message: str) -> None:
    with Client(transport=Scripted(answer).transport) as client, pytest.raises(ServiceError, match=message):
        client.predict(text="red")


@pytest.mark.parametrize("count", [0, 2, 4])
def test_an_answer_of_too_few_or_too_many_predictions_is_none_of_this_service(count: int) -> None:
    answer = Scripted(predictions(["red"] * count))
    message = f"^200 No answer of this service: .*{count} predictions for"
    with Client(transport=answer.transport) as client:
        with pytest.raises(ServiceError, match=f"{message} 1 example"):
            client.predict(text="red")
        with pytest.raises(ServiceError, match=f"{message} 1 example"):
            client.predict(tags=["red"])
        with pytest.raises(ServiceError, match=f"{message} 3 examples"):
            client.predict_many([{"text": "red"}] * 3)


def test_an_answer_that_comes_in_drips_is_given_up_in_time() -> None:
    def dripping(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=(time.sleep(0.05) or b" " for _ in range(60)))

    started = time.monotonic()
    with (
        Client(transport=Scripted(dripping).transport, timeout_s=0.2) as client,
        pytest.raises(httpx.ReadTimeout, match=r"The answer was not there after 0\.2 s"),
    ):
        client.predict(text="red")
    assert time.monotonic() - started < 1


def test_what_is_sent_is_one_form_with_a_file_only_for_the_picture() -> None:
    service = Scripted(predictions())
    with Client(transport=service.transport, timeout_s=10) as client:
        client.predict(image=b"a picture", text="red", version=3)

    (request,) = service.seen
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert "authorization" not in request.headers
    assert b'name="image"; filename="image"' in request.content
    assert b'name="text"\r\n\r\nred\r\n' in request.content
    timeout_ms = int(request.url.params["timeout_ms"])
    assert 9000 < timeout_ms < 10_000  # the refusal of the service has to arrive before the client gives up
    assert request.url.params.remove("timeout_ms") == httpx.QueryParams(top_k=5, version=3)


def test_a_list_goes_as_json_and_the_key_and_the_wish_for_reasons_as_well() -> None:
    service = Scripted(predictions())
    with Client(transport=service.transport, api_key="s3cret") as client:
        client.predict({"model": b"a picture"}, tags=["a", "b"], explain=True)

    (request,) = service.seen
    assert json.loads(request.content) == {"model": base64.b64encode(b"a picture").decode(), "tags": ["a", "b"]}
    assert request.headers["authorization"] == "Bearer s3cret"
    assert request.url.params["explain"] == "true"


def test_a_version_is_activated_by_name_and_number() -> None:
    done = {"model": "a b", "version": 3, "previous": 4, "pinned": True, "saved": True, "reason": None}
    service = Scripted(httpx.Response(200, json=done))
    with Client(transport=service.transport) as client:
        answer = client.activate("a b", 3)

    (request,) = service.seen
    assert (request.method, request.url.raw_path) == ("POST", b"/admin/models/a%20b/activate")
    assert json.loads(request.content) == {"version": 3}
    assert (answer.version, answer.previous, answer.saved) == (3, 4, True)


def test_what_can_not_be_sent_is_refused_at_once() -> None:
    with Client(transport=Scripted(echoed).transport) as client:
        with pytest.raises(ValueError, match="Give at least one input"):
            client.predict(text=None)
        with pytest.raises(TypeError, match=r"'tags' must be a path, bytes or a PIL image .* Received: list"):
            client.predict(tags=[1, 2])  # type: ignore[list-item]
        with pytest.raises(TypeError, match=r"Example 1: 'price' must be .* Received: float"):
            client.predict_many([{"text": "red"}, {"price": 3.5}])  # type: ignore[dict-item]


def test_no_request_is_larger_than_it_may_be() -> None:
    service = Scripted(echoed)
    texts = ["x" * length for length in (10, 20, 5, 200, 1, 1, 1, 1, 1, 1, 1)]
    with Client(transport=service.transport) as client:
        found = client.predict_many(({"text": text} for text in texts), max_body_bytes=100)

    sizes = [len(request.content) for request in service.seen]
    assert [one.label for one in found] == texts
    assert [size for size in sizes if size > 100] == [sizes[1]]  # the long one, which goes alone
    assert len(sizes) == 4


def test_the_limits_of_the_client_are_those_of_the_service() -> None:
    settings = Settings()

    assert requests.MAX_TIMEOUT_MS == MAX_TIMEOUT_MS
    assert (settings.max_instances, settings.max_body_bytes) == (requests.MAX_INSTANCES, requests.MAX_BODY_BYTES)


def test_with_several_heads_a_short_cut_has_to_say_which() -> None:
    head = {"label": "a", "labels": [], "probability": 0.4, "top": [], "probabilities": {"a": 0.4}}
    body = {"model": {"name": "m", "version": 1}, "request_id": "1"}
    body |= {"predictions": [{"heads": {"topic": head, "mood": head}, "absent": ["image"]}]}
    with Client(transport=Scripted(httpx.Response(200, json=body)).transport) as client:
        prediction = client.predict(text="red")

    assert prediction.heads["mood"].labels == ()
    with pytest.raises(ValueError, match=r"several heads; .* Heads: \['topic', 'mood'\]"):
        _ = prediction.label


def sent(image: Image.Image) -> bytes:
    return next(one for one in requests.for_one({"image": image}, requests.Options()).parts.values())[1]  # type: ignore[union-attr]


def test_an_untouched_picture_goes_as_its_file_and_a_changed_one_as_it_is_now(tmp_path: Path) -> None:
    file = tmp_path / "mug.jpg"
    file.write_bytes(picture("green", file_format="JPEG"))

    with Image.open(file) as image:
        assert sent(image) == file.read_bytes()
        image.paste((255, 0, 0), (0, 0, 20, 16))  # in place: it still says the name of its file
        assert decode(sent(image), height=1, width=1).tolist() == [[[255, 0, 0]]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "RGBX"])
def test_a_picture_of_any_mode_can_be_sent(mode: str) -> None:
    assert decode(sent(Image.new(mode, (4, 3))), height=3, width=4).shape == (3, 4, 3)


def test_the_orientation_of_a_picture_goes_along(tmp_path: Path) -> None:
    upright = Image.new("RGB", (8, 8), "red")
    upright.paste("blue", (0, 0, 8, 4))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    upright.save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as loaded:
        loaded.load()

        assert decode(sent(loaded), height=8, width=8)[0, 0].tolist() == [255, 0, 0]
