"""A backend chosen by measuring: which is the fastest, what is refused, what is worth remembering."""

from __future__ import annotations

import numpy as np
import pytest

from model.examples import Tensors
from service import backends
from service.backends import AS_SAVED, Answers, Backend, UnsuitableError, UnusableError
from service.runtime.choice import ENOUGH_S, MAX_SMALL, by_size, choose
from tests.service.clock import Clock, chosen
from tests.service.golden_answers import AGREEMENT, EXPECTED, other, repeated


def test_the_fastest_is_chosen_and_the_log_has_its_reasons() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.004, each_s=0.001),
        frozen_float32=clock.backend(first_s=0.004, each_s=0.0005),
        openvino_float32=clock.backend(first_s=0.001, each_s=0.0009),
    )

    assert (choice.small, choice.large) == ("openvino-float32", "frozen-float32")
    assert str(choice) == (
        "openvino-float32, batches over 4 by frozen-float32 (a batch of 1 and 16: tensorflow-float32 5.0 and 20.0 ms, frozen-float32 4.5 and 12.0 ms, "
        "openvino-float32 1.9 and 15.4 ms)"
    )


def test_one_that_is_hardly_faster_is_not_worth_it() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.0105),
        frozen_float32=clock.backend(first_s=0.01),
    )

    assert (choice.small, choice.large) == (AS_SAVED, AS_SAVED)


def test_a_slow_model_keeps_large_batches_and_takes_no_longer_than_it_must() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.1, each_s=0.5),
        frozen_float32=clock.backend(first_s=0.1, each_s=0.4),
    )

    assert (choice.small, choice.large) == ("frozen-float32", AS_SAVED)
    assert choice.seconds["frozen-float32"] == pytest.approx((0.5,))
    assert clock.now < ENOUGH_S + 1.2


@pytest.mark.parametrize(("first_s", "is_lasting"), [(0.5, False), (0.4, True)])
def test_what_was_measured_but_once_is_remembered_if_it_is_far_ahead(first_s: float, is_lasting: bool) -> None:
    clock = Clock()
    choice = chosen(clock, tensorflow_float32=clock.backend(first_s=0.7), frozen_float32=clock.backend(first_s=first_s))

    assert choice.small == "frozen-float32"
    assert choice.is_lasting == is_lasting


def test_a_little_more_time_is_taken_for_three_rounds() -> None:
    clock = Clock()
    times = iter([0.01, 0.01, 0.01, 0.2])  # three checks, and a first round that is disturbed

    def disturbed(tensors: Tensors) -> Answers:
        clock.now += next(times, 0.01)
        return repeated(EXPECTED, tensors)

    def made() -> Backend:
        clock.now += ENOUGH_S
        return disturbed

    candidates = {AS_SAVED: lambda: clock.backend(first_s=0.02), "openvino-int8": made}
    choice = choose(candidates, AGREEMENT, clock=clock)[0]

    assert (choice.small, choice.large) == ("openvino-int8", "openvino-int8")
    assert choice.is_lasting


@pytest.mark.parametrize(
    ("error", "hangs"), [(UnusableError("its labels change"), True), (UnsuitableError("no pictures"), False)]
)
def test_a_refusal_that_other_weights_change_nothing_about_is_one_for_all_weights(
    error: Exception, hangs: bool
) -> None:
    clock = Clock()
    good = clock.backend(first_s=0.005)

    def refused() -> Backend:
        raise error

    choice, _ = choose({AS_SAVED: lambda: good, "openvino-int8": refused}, AGREEMENT, clock=clock)
    assert choice.is_lasting
    assert choice.hangs_on_weights == hangs


def test_large_batches_of_a_rather_slow_model_are_smaller_ones() -> None:
    clock = Clock()
    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0, each_s=0.05),
        openvino_int8=clock.backend(first_s=0.1, each_s=0.02),
    )

    assert (choice.small, choice.large) == (AS_SAVED, "openvino-int8")
    assert "(a batch of 1 and 8: tensorflow-float32 50.0 and 400.0 ms, openvino-int8 120.0 and 260.0 ms)" in str(choice)


def test_what_there_is_no_time_for_is_left_out_and_that_is_not_remembered() -> None:
    clock = Clock()
    slow = clock.backend(first_s=ENOUGH_S)
    choice = chosen(clock, tensorflow_float32=slow, frozen_float32=slow)

    assert choice.refused == {"frozen-float32": "no time left to try it"}
    assert not choice.is_lasting
    assert str(choice) == ("tensorflow-float32 (nothing to measure it against; frozen-float32: no time left to try it)")


def test_what_is_gained_is_remembered_though_there_was_no_time_for_all() -> None:
    clock = Clock()

    def fast() -> Backend:
        clock.now += ENOUGH_S
        return clock.backend(first_s=0.001)

    slow = clock.backend(first_s=0.01)
    candidates = {AS_SAVED: lambda: slow, "openvino-int8": fast, "frozen-float32": lambda: slow}
    choice = choose(candidates, AGREEMENT, clock=clock)[0]

    assert (choice.small, choice.large) == ("openvino-int8", "openvino-int8")
    assert choice.refused == {"frozen-float32": "no time left to try it"}
    assert choice.is_lasting


def test_faster_and_wrong_or_broken_is_refused() -> None:
    clock = Clock()

    def broken(tensors: Tensors) -> Answers:
        if len(tensors["text"]) == 2:
            return EXPECTED
        raise RuntimeError("Exception from src/core.cpp:107:\nno such operation\nand more")

    choice = chosen(
        clock,
        tensorflow_float32=clock.backend(first_s=0.01),
        frozen_float32=clock.backend(first_s=0.001, answers=other("one", 0, 0, 0.701)),
        openvino_float32=broken,
    )

    assert (choice.small, choice.large) == (AS_SAVED, AS_SAVED)
    assert choice.refused == {
        "frozen-float32": "probabilities of 'one' differ by 0.001; at most 0.0001 may",
        "openvino-float32": "no such operation",
    }
    assert not choice.is_lasting  # another time it may work


def test_each_kind_of_batch_goes_to_its_backend() -> None:
    backend = by_size(lambda tensors: {"small": tensors["x"]}, lambda tensors: {"large": tensors["x"]})
    names = [next(iter(backend({"x": np.zeros(size, np.float32)}))) for size in (1, MAX_SMALL, MAX_SMALL + 1)]

    assert names == ["small", "small", "large"]


def test_the_backend_of_small_batches_is_the_one_that_prepares() -> None:
    class Preparing:
        prepared: list[int]

        def __init__(self) -> None:
            self.prepared = []

        def __call__(self, tensors: Tensors) -> Answers:
            return {}

        def prepare(self, tensors: Tensors) -> None:
            self.prepared.append(len(tensors["x"]))

    small, large = Preparing(), Preparing()
    for backend in (by_size(small, large), by_size(small, lambda tensors: {})):
        assert isinstance(backend, backends.Preparing)
        backend.prepare({"x": np.zeros(1, np.float32)})

    assert (small.prepared, large.prepared) == ([1, 1], [])
    assert not isinstance(by_size(lambda tensors: {}, large), backends.Preparing)


def test_one_that_fails_while_it_is_timed_leaves_the_others_to_compete() -> None:
    clock = Clock()
    good, calls = clock.backend(first_s=0.001), []

    def failing(tensors: Tensors) -> Answers:
        calls.append(1)
        if len(calls) > 5:
            raise RuntimeError("no room for this batch")
        return good(tensors)

    choice = chosen(
        clock, tensorflow_float32=clock.backend(first_s=0.005), openvino_int8=failing, openvino_float32=good
    )
    assert choice.small == choice.large == "openvino-float32"
    assert list(choice.seconds) == [AS_SAVED, "openvino-float32"]
    assert "no room for this batch" in choice.refused["openvino-int8"]
    assert not choice.is_lasting


@pytest.mark.parametrize(("error", "asked"), [(None, False), (RuntimeError("not known to it"), True)])
def test_a_frozen_graph_competes_where_openvino_is_of_no_use(error: Exception | None, asked: bool) -> None:
    clock, made = Clock(), []
    good = clock.backend(first_s=0.005)

    def openvino() -> Backend:
        if error is not None:
            raise error
        return good

    def frozen() -> Backend:
        made.append("frozen-float32")
        return good

    choose({AS_SAVED: lambda: good, "openvino-float32": openvino, "frozen-float32": frozen}, AGREEMENT, clock=clock)
    assert made == ["frozen-float32"] * asked
