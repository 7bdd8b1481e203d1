"""Explanations give way to predictions."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import pytest

from service.engine.courtesy import Courtesy
from tests.service.pipelines import Gate, double, pipeline, soon


@dataclass
class Others:
    """What predictions are doing."""

    waiting: int = 0
    last_left: float = -math.inf


def test_who_is_alone_goes_on_at_once() -> None:
    assert Courtesy(Others()).rest_s(0.5) == 0


def test_who_met_others_rests_four_times_as_long() -> None:
    assert Courtesy(Others(waiting=1)).rest_s(0.5) == 2
    assert Courtesy(Others(last_left=time.perf_counter() - 0.1)).rest_s(0.5) == 2
    assert Courtesy(Others(last_left=time.perf_counter() - 1)).rest_s(0.5) == 0
    assert Courtesy(Others(waiting=1)).rest_s(30) == 2  # but no longer than that


def test_a_rest_comes_after_the_answer_and_before_the_next_batch() -> None:
    gate, happened = Gate(), list[str]()

    def rest_s(_: float) -> float:
        happened.append("rest")
        return 0.2

    with pipeline(gate.predict, rest_s=rest_s) as numbers:
        first = numbers.submit(["1"], soon())
        first.on_done(lambda: happened.append("answer"))
        begun = time.monotonic()
        gate.open.set()
        first.result(30)
        numbers.submit(["2"], soon()).result(30)
        second_s = time.monotonic() - begun

    assert happened[:2] == ["answer", "rest"]
    assert second_s >= 0.2


def test_a_pipeline_that_is_closed_does_not_rest() -> None:
    begun = time.monotonic()
    with pipeline(double, rest_s=lambda _: 60) as numbers:
        numbers.submit(["1"], soon()).result(30)

    assert time.monotonic() - begun < 30


def test_a_pipeline_knows_when_its_last_batch_was_answered() -> None:
    with pipeline(double) as numbers:
        assert numbers.last_left == -math.inf
        begun = time.perf_counter()
        numbers.submit(["1"], soon()).result(30)

        assert numbers.last_left == pytest.approx(begun, abs=60)
