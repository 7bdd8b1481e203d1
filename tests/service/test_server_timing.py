"""`Server-Timing` of `POST /predict`: where the time went."""

from __future__ import annotations

import re

import httpx
import pytest

from service.observation.exchange import STAGES, Exchange
from tests.service.stand_in import picture


def test_stages_are_told_in_their_order_and_in_milliseconds() -> None:
    exchange = Exchange("id", "POST", stages={"infer": 0.0125, "parse": 0.001})

    assert exchange.server_timing() == "parse;dur=1.000, infer;dur=12.500"


@pytest.mark.parametrize("query", ["", "?explain=true"])
def test_an_answer_says_how_long_each_stage_took(query: str, stand_in_service: httpx.Client) -> None:
    answer = stand_in_service.post(f"/predict{query}", files={"image": ("a.png", picture())}, data={"text": "red"})
    found = re.findall(r"(\w+);dur=(\d+\.\d{3})", answer.headers["server-timing"])

    assert tuple(name for name, _ in found) == STAGES
    assert 0 < sum(float(milliseconds) for _, milliseconds in found) < 1000 * answer.elapsed.total_seconds()


def test_a_refusal_says_none_of_it(stand_in_service: httpx.Client) -> None:
    assert "server-timing" not in stand_in_service.post("/predict", json={}).headers
