"""`POST /predict` of a real model: every form of a request, and the answer."""

from __future__ import annotations

import base64
import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.running import assert_problem, serving
from tests.service.stand_in import picture, write_bundle
from training.fit import Fitted

TEXT = "a tomato number 0"
PNG = picture((220, 30, 30))
BASE64 = base64.b64encode(PNG).decode()
FILE = ("photo.png", PNG, "image/png")
INSTANCE = {"image": BASE64, "text": TEXT, "tags": ["redish", "thing"]}

FORMS: dict[str, dict[str, Any]] = {
    "multipart": {"files": {"image": FILE}, "data": {"text": TEXT, "tags": "redish,thing"}},
    "multipart, caption": {"files": {"image": FILE}, "data": {"caption": TEXT, "tags": "thing, REDISH,thing"}},
    "multipart, all files": {
        "files": {"image": FILE, "text": ("words.txt", TEXT.encode()), "tags": ("tags.txt", b"redish,thing")}
    },
    "json": {"json": INSTANCE},
    "json, tags as a string": {"json": INSTANCE | {"tags": "redish,thing"}},
    "json, data URL": {"json": INSTANCE | {"image": f"data:image/png;base64,{BASE64}"}},
    "list": {"json": [INSTANCE]},
    "instances": {"json": {"instances": [INSTANCE]}},
}


def post(service: httpx.Client, query: str = "", **request: Any) -> httpx.Response:
    """A request to `/predict`; raw content goes as JSON."""
    headers = {"Content-Type": "application/json"} if "content" in request else {}
    return service.post(f"/predict{query}", headers=headers, **request)


def probabilities(response: httpx.Response) -> list[dict[str, float]]:
    assert response.status_code == 200, response.text
    return [prediction["heads"]["colour"]["probabilities"] for prediction in response.json()["predictions"]]


def close(expected: Any, tolerance: float = 1e-6) -> Any:
    return pytest.approx(expected, abs=tolerance)


@pytest.fixture(scope="module")
def expected(tiny_service: httpx.Client) -> dict[str, float]:
    """The probabilities of the example that all forms hold."""
    return probabilities(post(tiny_service, **FORMS["multipart"]))[0]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_example_has_the_same_probabilities_in_every_form(
    form: str, expected: dict[str, float], tiny_service: httpx.Client
) -> None:
    assert probabilities(post(tiny_service, **FORMS[form])) == [close(expected)]


def test_the_answer_is_what_the_design_says_and_nothing_else(tiny_service: httpx.Client) -> None:
    response = tiny_service.post("/predict?top_k=2", json=INSTANCE, headers={"X-Request-ID": "order-7"})

    values = probabilities(response)[0]
    best = sorted(values, key=values.__getitem__, reverse=True)
    top = [{"label": label, "probability": values[label]} for label in best[:2]]
    head = {"label": best[0], "labels": best[:1], "probability": values[best[0]], "top": top, "probabilities": values}
    assert list(values) == ["blue", "green", "red"]
    assert sum(values.values()) == close(1)
    assert response.json() == {
        "model": {"name": "tiny", "version": 1},
        "request_id": "order-7",
        "predictions": [{"heads": {"colour": head}, "absent": []}],
    }


@pytest.mark.parametrize(("query", "length"), [("", 3), ("?top_k=1", 1), ("?top_k=99", 3)])
def test_top_k_says_how_many_labels_are_at_the_top(query: str, length: int, tiny_service: httpx.Client) -> None:
    head = post(tiny_service, query, json={"text": TEXT}).json()["predictions"][0]["heads"]["colour"]

    assert len(head["top"]) == length
    assert len(head["probabilities"]) == 3


@pytest.mark.parametrize(
    ("given", "absent"),
    [
        ({"text": TEXT}, ["image", "tags"]),
        ({"image": BASE64}, ["text", "tags"]),
        ({"image": BASE64, "text": " \u3000\n"}, ["text", "tags"]),
        ({"image": None, "tags": ["redish"], "text": ""}, ["image", "text"]),
    ],
)
def test_what_is_absent_is_an_ordinary_request_and_listed(
    given: dict[str, Any], absent: list[str], tiny_service: httpx.Client
) -> None:
    (prediction,) = post(tiny_service, json=given).json()["predictions"]

    assert prediction["absent"] == absent


def test_an_absent_input_is_the_same_in_a_form_and_in_json(tiny_service: httpx.Client) -> None:
    empty_file = b'--x\r\nContent-Disposition: form-data; name="image"; filename=""\r\n\r\n\r\n'  # as browsers send it
    words = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + TEXT.encode() + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    form = tiny_service.post("/predict", content=empty_file + words, headers=headers)

    assert form.json()["predictions"][0]["absent"] == ["image", "tags"]
    assert probabilities(form) == probabilities(post(tiny_service, json={"text": TEXT}))


def test_many_are_answered_in_order_as_each_would_be_alone(tiny_service: httpx.Client) -> None:
    instances = [{"text": f"a tomato number {n}"} | ({"image": BASE64} if n % 3 else {}) for n in range(20)]
    alone = [probabilities(post(tiny_service, json=instance))[0] for instance in instances]

    together = post(tiny_service, json={"instances": instances})

    assert probabilities(together) == [close(one, 1e-5) for one in alone]
    assert [len(one["absent"]) for one in together.json()["predictions"]] == [1 if n % 3 else 2 for n in range(20)]


def test_callers_at_the_same_time_get_their_own_answers(tiny_service: httpx.Client) -> None:
    texts = ["tomato", "grass", "sky", "sea leaf", "cherry cherry", "7"] * 10
    alone = {text: probabilities(post(tiny_service, json={"text": text}))[0] for text in texts[:6]}

    with ThreadPoolExecutor(12) as callers:
        answers = list(callers.map(lambda text: probabilities(post(tiny_service, json={"text": text}))[0], texts))

    assert answers == [close(alone[text], 1e-5) for text in texts]


def test_the_service_gives_the_probabilities_that_training_wrote(
    tiny_service: httpx.Client, tiny_fitted: Fitted, tiny_manifest: Path
) -> None:
    with tiny_manifest.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    with (tiny_fitted.run.path / "predictions.csv").open(encoding="utf-8") as stream:
        written = list(csv.DictReader(stream))

    assert len(written) == sum(row["split"] == "test" for row in rows)
    for line in written:
        row = rows[int(line["row"]) - 1]
        words = {"text": (None, row["caption"].encode()), "tags": (None, row["tags"].encode())}
        image = {"image": (tiny_manifest.parent / row["image"]).read_bytes()} if row["image"] else {}
        response = post(tiny_service, files=words | image)
        assert probabilities(response) == [
            close({label: float(line[f"colour:{label}"]) for label in ("blue", "green", "red")}, 1e-4)
        ]


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_picture_format_is_taken_whatever_the_file_is_called(
    file_format: str, tiny_service: httpx.Client
) -> None:
    file = ("picture.dat", picture((220, 30, 30), file_format=file_format), "application/x-unknown")
    response = post(tiny_service, files={"image": file})

    assert probabilities(response) == [close(probabilities(post(tiny_service, json={"image": BASE64}))[0], 0.02)]


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    models = tmp_path_factory.mktemp("two")
    write_bundle(models, "mugs", 3)
    write_bundle(models, "cups", 1)
    with serving(models) as service:
        yield service


def test_of_several_models_the_request_says_which(two_models: httpx.Client) -> None:
    document = assert_problem(post(two_models, json={"text": "red"}), 422, "invalid-request")

    assert document["detail"] == "There are several models; say which: ?model=NAME. Valid: cups, mugs."
    assert post(two_models, "?model=mugs", json={"text": "red"}).json()["model"] == {"name": "mugs", "version": 3}


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("?model=mug", "No model 'mug' is served; did you mean 'mugs'? Valid: cups, mugs."),
        ("?model=", "No model '' is served. Valid: cups, mugs."),
        ("?model=mugs&version=2", "Model 'mugs' serves version 3, not 2."),
    ],
)
def test_a_model_or_version_that_is_not_there_is_not_found(query: str, detail: str, two_models: httpx.Client) -> None:
    assert assert_problem(post(two_models, query, json={"text": "red"}), 404, "not-found")["detail"] == detail


def test_a_version_that_is_there_can_be_asked_for(two_models: httpx.Client) -> None:
    assert post(two_models, "?model=mugs&version=3", json={"text": "red"}).json()["model"]["version"] == 3
