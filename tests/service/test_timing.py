"""Rounds in which backends are timed: when they end, and who is timed no more."""

from __future__ import annotations

import itertools

import pytest

from model.examples import Tensors
from service.backends import AS_SAVED, Answers, Backend
from tests.service.clock import Clock, chosen
from tests.service.golden_answers import EXPECTED, repeated


@pytest.mark.parametrize(
    ("saved_s", "one_s", "sixteen_s", "rounds"),
    [
        (0.03, [0.024], [0.024], 5),
        (0.03, [0.024], [0.036], 5),  # with sixteen it is the other that is the fastest
        (0.003, [0.0024], [0.0024], 15),  # all rounds take less than half a second
        (0.03, [0.024], [0.0285], 15),  # with sixteen by too little
        (0.03, [0.0285], [0.024], 15),
        (0.03, [0.024, 0.024, 0.033], [0.024], 15),  # not always
    ],
)
def test_rounds_end_when_one_was_the_fastest_in_each_and_clearly_so(
    saved_s: float, one_s: list[float], sixteen_s: list[float], rounds: int
) -> None:
    clock, calls = Clock(), []
    times = {1: itertools.cycle(one_s), 2: itertools.repeat(0.0), 16: itertools.cycle(sixteen_s)}

    def timed(tensors: Tensors) -> Answers:
        calls.append(1)
        clock.now += next(times[len(tensors["text"])])
        return repeated(EXPECTED, tensors)

    choice = chosen(clock, tensorflow_float32=clock.backend(first_s=saved_s), openvino_int8=timed)

    assert len(calls) == 3 + 2 * rounds  # golden examples and a batch of each size before
    assert choice.is_lasting


def test_what_is_slower_by_far_is_timed_twice_only() -> None:
    clock, calls = Clock(), []
    fast, slow = (clock.backend(first_s=seconds) for seconds in (0.01, 0.02))

    def counted(tensors: Tensors) -> Answers:
        calls.append(1)
        return slow(tensors)

    choice = chosen(clock, tensorflow_float32=slow, openvino_int8=counted, openvino_float32=fast)

    assert len(calls) == 3 + 2 * 2
    assert choice.small == choice.large == "openvino-float32"
    assert choice.seconds["openvino-int8"] == pytest.approx((0.02, 0.02))
    assert choice.is_lasting


def test_who_was_timed_early_and_was_left_behind_does_not_win_because_the_machine_was_quieter_then() -> None:
    clock = Clock()

    def slowing(first_s: float, later_s: float, *, calls_before: int = 3) -> Backend:
        """Quick before and in two rounds of two batches; then somebody else wants the machine."""
        times = itertools.chain([first_s] * (calls_before + 4), itertools.repeat(later_s))

        def answer(tensors: Tensors) -> Answers:
            clock.now += next(times)
            return repeated(EXPECTED, tensors)

        return answer

    choice = chosen(
        clock,
        tensorflow_float32=slowing(0.0085, 0.02, calls_before=5),
        openvino_int8=slowing(0.01, 0.025),
        openvino_float32=slowing(0.005, 0.015),
    )

    assert (choice.small, choice.large) == ("openvino-float32", "openvino-float32")


def test_who_was_left_behind_competes_again_when_the_better_one_fails() -> None:
    clock = Clock()
    calls: list[int] = []

    def failing(tensors: Tensors) -> Answers:
        calls.append(1)
        clock.now += 0.008
        if len(calls) > 3 + 2 * 2:
            raise RuntimeError("no room for this batch")
        return repeated(EXPECTED, tensors)

    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.015),
        openvino_int8=failing,
        openvino_float32=clock.backend(first_s=0.0125),
    )

    assert choice.small == choice.large == "openvino-float32"
    assert choice.refused == {"openvino-int8": "no room for this batch"}


def test_so_they_do_when_nobody_else_is_left() -> None:
    clock = Clock()
    times = iter([0.08] * 6)  # two checks and four rounds; it fails in the fifth

    def failing_later(tensors: Tensors) -> Answers:
        seconds = next(times, None)
        if seconds is None:
            raise RuntimeError("no room for this batch")
        clock.now += seconds
        return repeated(EXPECTED, tensors)

    choice = chosen(clock, tensorflow_float32=clock.backend(first_s=0.13), openvino_int8=failing_later)

    assert (choice.small, choice.large) == (AS_SAVED, AS_SAVED)
    assert "openvino-int8" in choice.refused


@pytest.mark.parametrize("saved", [[0.02, 0.02, 0.005], [0.02, 0.014]])
def test_what_was_near_once_is_timed_on(saved: list[float]) -> None:
    """Or is faster for another size of batch: it may win there."""
    clock, calls = Clock(), []
    times = itertools.cycle(saved)

    def counted(tensors: Tensors) -> Answers:
        calls.append(1)
        clock.now += next(times)
        return repeated(EXPECTED, tensors)

    chosen(clock, tensorflow_float32=clock.backend(first_s=0.01), openvino_int8=counted)

    assert len(calls) > 3 + 2 * 2
