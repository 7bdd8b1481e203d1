"""Choosing the arithmetic of the steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.graph_options import in_bfloat16
from training.precision import TIMED_STEPS, WARMUP_STEPS, Trial, arithmetic, trial


@pytest.fixture
def clock() -> tuple[Callable[[], float], Callable[[], None]]:
    """A clock, and a step that takes ten milliseconds, or in bfloat16 six; the first ones take a second more."""
    now, steps = [0.0], [0]

    def step() -> None:
        now[0] += (0.006 if in_bfloat16() else 0.01) + (1 if steps[0] < 2 else 0)
        steps[0] += 1

    return lambda: now[0], step


def test_the_faster_one_is_taken_and_told(clock: tuple[Callable[[], float], Callable[[], None]]) -> None:
    found = trial({"float32": clock[1], "bfloat16": clock[1]}, clock=clock[0])

    assert found.chosen == "bfloat16"
    assert str(found) == "precision: bfloat16 (a step takes 10.0 ms in float32, 6.0 ms in bfloat16)"
    assert not in_bfloat16()


def test_what_is_not_clearly_faster_is_not_taken() -> None:
    assert Trial({"float32": 1.1, "bfloat16": 1.0}).chosen == "float32"
    assert Trial({"float32": 1.0, "bfloat16": 2.0}).chosen == "float32"


def test_few_steps_are_made_where_they_take_long() -> None:
    now, steps = [0.0], [0]

    def step() -> None:
        now[0] += 4
        steps[0] += 1

    trial({"float32": step, "bfloat16": step}, clock=lambda: now[0])
    assert 2 * (WARMUP_STEPS + 3) == steps[0] < 2 * (WARMUP_STEPS + TIMED_STEPS)


def test_the_arithmetic_is_as_before_afterwards() -> None:
    with arithmetic("bfloat16"):
        assert in_bfloat16()
        with arithmetic("float32"):
            assert not in_bfloat16()
        assert in_bfloat16()
    assert not in_bfloat16()
