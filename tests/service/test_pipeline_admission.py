"""Whom a pipeline takes in, by how long it would have to wait, and what it drops."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError

import pytest

from model.errors import DeadlineError, OverloadedError
from service.engine.pace import Pace
from tests.service.pipelines import Gate, double, pipeline, soon


def test_what_is_cancelled_is_neither_decoded_nor_run_and_no_longer_counted() -> None:
    gate, decoded = Gate(), []

    def decode(text: str) -> int:
        decoded.append(text)
        return int(text)

    with pipeline(gate.predict, decode, max_batch_size=1) as numbers:
        first = numbers.submit(["0"], soon())
        gate.is_busy.wait(5)
        numbers.submit(["1"], soon())
        gone, stayed = numbers.submit(["2", "3"], soon()), numbers.submit(["4"], soon())
        gone.cancel()
        assert numbers.waiting == 3
        gate.open.set()
        assert (first.result(30), stayed.result(30)) == ([0], [8])
        with pytest.raises(CancelledError):
            gone.result(30)

    assert gate.batches == [[0], [1], [4]]
    assert decoded == ["0", "1", "4"]


def test_what_has_expired_is_dropped_before_it_is_run() -> None:
    gate = Gate()
    with pipeline(gate.predict) as numbers:
        numbers.submit(["0"], soon())
        gate.is_busy.wait(5)
        late, patient = numbers.submit(["1"], soon(0.05)), numbers.submit(["2"], soon())
        time.sleep(0.1)
        gate.open.set()
        assert patient.result(30) == [4]
        with pytest.raises(DeadlineError, match="The deadline passed while the request was waiting"):
            late.result(30)

    assert gate.batches == [[0], [2]]


def test_a_request_that_would_wait_past_its_deadline_is_refused_at_once() -> None:
    ended, is_open = list[float](), threading.Event()

    def slow(examples: Sequence[int]) -> list[int]:
        if len(ended) == 5:
            is_open.wait(60)  # nothing is learned any more
        else:
            time.sleep(0.02)
            ended.append(time.perf_counter())
        return double(examples)

    with pipeline(slow, max_batch_size=1) as numbers:
        begun = time.perf_counter()
        numbers.submit(["0"] * 5, soon()).result(30)  # what it learns from
        numbers.submit(["0"] * 50, soon(300))
        with pytest.raises(OverloadedError, match=r"would take .* longer than the request may wait") as error:
            numbers.submit(["1"], soon(0.3))
        with pytest.raises(OverloadedError):
            numbers.announce(1, soon(0.3))

        assert error.value.retry_after_s == pytest.approx(51 * (ended[-1] - begun) / 5, rel=0.2)
        assert f"about {error.value.retry_after_s:.2g} s" in str(error.value)
        patient = numbers.submit(["1"], soon(300))
        is_open.set()
        assert patient.result(60) == [2]


def test_a_pipeline_without_work_takes_any_request_whatever_it_learned_before() -> None:
    delay = iter([0.6, 0])

    def once_slow(examples: Sequence[int]) -> list[int]:
        time.sleep(next(delay))
        return double(examples)

    with pipeline(once_slow) as numbers:
        numbers.submit(["1"], soon()).result(30)

        assert numbers.submit(["2"], soon(0.6)).result(30) == [4]


def test_more_than_may_wait_is_refused_with_the_limit() -> None:
    gate = Gate()
    with pipeline(gate.predict, max_waiting=4) as numbers:
        accepted = numbers.submit(["1", "2", "3"], soon())
        with pytest.raises(OverloadedError, match=r"3 examples are waiting for the model; 2 more .* limit of 4"):
            numbers.submit(["4", "5"], soon())
        gate.open.set()

        assert accepted.result(30) == [2, 4, 6]


def test_requests_that_are_still_read_count_in_the_estimate_until_they_are_submitted_or_given_up() -> None:
    def slow(examples: Sequence[int]) -> list[int]:
        time.sleep(0.1)
        return double(examples)

    with pipeline(slow, max_batch_size=4) as numbers:
        numbers.submit(["0"], soon()).result(30)
        announced = [numbers.announce(1, soon()) for _ in range(4)]
        with pytest.raises(OverloadedError):
            numbers.announce(1, soon(0.3))
        for one in announced:
            one.end()
            one.end()  # once is enough, and twice does no harm

        numbers.announce(1, soon(0.3)).end()
        assert numbers.submit(["1"], soon()).result(30) == [2]


def test_requests_that_never_come_keep_nobody_out() -> None:
    with pipeline(double, max_waiting=2) as numbers:
        for _ in range(100):
            numbers.announce(1, soon())

        assert numbers.submit(["1", "2"], soon()).result(30) == [2, 4]


def test_a_first_answer_that_took_long_is_soon_not_believed_any_more() -> None:
    pace = Pace()
    pace.began(0)
    pace.left(1, 4.0)
    for n in range(1, 40):
        pace.left(1, 4.0 + 0.05 * n)

    assert pace.wait_s(0, 1) < 0.2
