"""`POST /predict?explain=true`."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from service.schemas import PredictResponse
from tests.service.running import assert_problem
from tests.service.stand_in import picture

FORM: dict[str, Any] = {"files": {"image": ("a.png", picture("red"))}, "data": {"text": "a tomato number 0"}}


def test_an_explanation_says_what_moved_the_answer(tiny_service: httpx.Client) -> None:
    plain = tiny_service.post("/predict", **FORM).json()["predictions"][0]
    response = tiny_service.post("/predict?explain=true", **FORM)
    prediction = PredictResponse.model_validate_json(response.content).predictions[0]

    why = (prediction.explanation or {})["colour"]
    head = prediction.heads["colour"]
    assert head.probabilities == pytest.approx(plain["heads"]["colour"]["probabilities"], abs=1e-6)
    assert (why.label, why.probability) == (head.label, pytest.approx(head.probability, abs=1e-5))
    assert sum(why.shares.values()) == pytest.approx(why.probability - why.baseline, abs=1e-5)
    assert why.shares["tags"] == pytest.approx(0, abs=1e-6)
    assert [one.token for one in why.tokens["text"]] == ["a", "tomato", "number", "0"]
    heatmap = np.asarray(Image.open(io.BytesIO(base64.b64decode(why.heatmaps["image"].png))))
    assert heatmap.shape == (12, 10)
    assert prediction.absent == ["tags"]
    assert list(why.tokens) == ["text"]


def test_many_are_explained_one_by_one_up_to_a_limit(stand_in_service: httpx.Client) -> None:
    answer = stand_in_service.post("/predict?explain=true", json=[{"text": "red"}, {"tags": "blue"}]).json()
    assert [list(one["explanation"]["colour"]["tokens"]) for one in answer["predictions"]] == [["text"], ["tags"]]

    too_many = stand_in_service.post("/predict?explain=true", json=[{"text": "red"}] * 17)
    assert (
        assert_problem(too_many, 413, "too-large")["detail"] == "17 instances; at most 16 are explained in one request."
    )


def test_no_explanation_is_given_where_none_was_asked_for(stand_in_service: httpx.Client) -> None:
    assert "explanation" not in stand_in_service.post("/predict", json={"text": "red"}).json()["predictions"][0]


@pytest.mark.parametrize(
    ("accept", "status"), [("text/html", 406), ("application/json;q=0", 406), ("", 200), ("*/*", 200)]
)
def test_who_takes_no_json_is_told(accept: str, status: int, stand_in_service: httpx.Client) -> None:
    response = stand_in_service.post("/predict", json={"text": "red"}, headers={"Accept": accept})

    assert response.status_code == status
    if status == 406:
        assert_problem(response, 406, "not-acceptable")
