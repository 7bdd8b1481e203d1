"""Batches of what is ready, decoded one batch ahead; answers to whom they belong; deadlines and admission."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Any

import pytest

from model.errors import DeadlineError, NotReadyError, OverloadedError
from service.engine.job import Job
from service.engine.pace import Pace
from service.engine.pipeline import Pipeline
from tests.service.running import wait_until

Numbers = Pipeline[str, int, int]


@contextmanager
def pipeline(
    predict: Callable[[Sequence[int]], Sequence[int]], decode: Callable[[str], int] = int, **limits: Any
) -> Iterator[Numbers]:
    with ThreadPoolExecutor(1) as decoders:
        given: dict[str, Any] = {"max_batch_size": 3, "max_waiting": 10_000, "threads": 1} | limits
        made = Pipeline(decode, predict, decoders=decoders, name="pipeline-under-test", **given)
        try:
            yield made
        finally:
            made.close()


def soon(seconds: float = 30) -> float:
    return time.monotonic() + seconds


def double(examples: Sequence[int]) -> list[int]:
    return [2 * example for example in examples]


class Gate:
    """Doubles numbers, and keeps the first batch until it is opened, so that others must wait in line."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.is_busy = threading.Event()
        self.open = threading.Event()

    def predict(self, examples: Sequence[int]) -> list[int]:
        self.batches.append(list(examples))
        self.is_busy.set()
        self.open.wait(60)
        return double(examples)


def test_a_lone_example_is_answered_without_company() -> None:
    with pipeline(double) as numbers:
        assert numbers.submit(["21"], soon()).result(30) == [42]


def test_a_request_of_many_is_cut_into_batches_and_put_together_again() -> None:
    gate = Gate()
    gate.open.set()
    with pipeline(gate.predict) as numbers:
        assert numbers.submit([str(n) for n in range(20)], soon()).result(30) == list(range(0, 40, 2))

    assert max(map(len, gate.batches)) <= 3
    assert list(chain(*gate.batches)) == list(range(20))


def test_a_batch_is_what_is_ready_in_order_and_never_over_the_limit() -> None:
    gate = Gate()
    with pipeline(gate.predict) as numbers:
        numbers.submit(["0"], soon())
        gate.is_busy.wait(5)
        jobs = [numbers.submit([str(n)], soon()) for n in range(1, 8)]
        wait_until(lambda: len(numbers._ready) == 3)
        gate.open.set()
        assert [job.result(30) for job in jobs] == [[2], [4], [6], [8], [10], [12], [14]]

    assert gate.batches[:2] == [[0], [1, 2, 3]]
    assert max(map(len, gate.batches)) <= 3


def test_decoding_is_ahead_of_the_model_by_one_batch_at_most() -> None:
    gate, decoded = Gate(), []

    def decode(text: str) -> int:
        decoded.append(text)
        return int(text)

    with pipeline(gate.predict, decode) as numbers:
        first = numbers.submit(["0"], soon())
        gate.is_busy.wait(5)
        rest = numbers.submit([str(n) for n in range(1, 20)], soon())
        wait_until(lambda: len(decoded) == 4)
        time.sleep(0.05)
        assert decoded == ["0", "1", "2", "3"]
        gate.open.set()
        assert (first.result(30), rest.result(30)[-1]) == ([0], 38)


def test_what_cannot_be_decoded_fails_alone_and_says_which_it_was() -> None:
    with pipeline(double) as numbers:
        before, unlucky, after = (numbers.submit(texts, soon()) for texts in (["1"], ["2", "two", "3"], ["4"]))

        assert (before.result(30), after.result(30)) == ([2], [8])
        with pytest.raises(ValueError, match="invalid literal"):
            unlucky.result(30)
        assert unlucky.failed == 1


def test_a_model_that_raises_harms_its_batch_and_no_other() -> None:
    def picky(examples: Sequence[int]) -> list[int]:
        if 26 in examples:
            raise ValueError("13 is not for this model")
        return double(examples)

    gate = Gate()
    with pipeline(lambda examples: picky(gate.predict(examples)), max_batch_size=2) as numbers:
        first = numbers.submit(["1"], soon())
        gate.is_busy.wait(5)
        jobs = [numbers.submit([n], soon()) for n in ("13", "14", "15", "16")]
        wait_until(lambda: len(numbers._ready) == 2)
        gate.open.set()

        assert [job.result(30) for job in (first, *jobs[2:])] == [[4], [60], [64]]
        for unlucky in jobs[:2]:
            with pytest.raises(ValueError, match="13 is not for this model"):
                unlucky.result(30)


@pytest.mark.parametrize("wrong", [[], [1, 2]], ids=["too few", "too many"])
def test_a_wrong_number_of_answers_is_an_error_and_not_the_end_of_the_thread(wrong: list[int]) -> None:
    answers = iter([wrong, [7]])
    with pipeline(lambda _: next(answers)) as numbers:
        with pytest.raises(ValueError, match=r"The model gave \d answers for 1 examples"):
            numbers.submit(["1"], soon()).result(30)

        assert numbers.submit(["1"], soon()).result(30) == [7]


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


def test_a_job_is_not_over_before_its_error_is_there() -> None:
    seen: list[BaseException | int | None] = []
    job: Job[int] = Job(2, soon())
    job.on_done(lambda: seen.extend([job._error, job.failed]))
    first, second = ValueError("first"), ValueError("second")
    job.fail(first, 1)
    job.fail(second, 0)

    assert seen == [first, 1]
    assert job.failed == 1


def test_close_answers_all_that_was_accepted_and_ends_the_threads() -> None:
    gate = Gate()
    with pipeline(gate.predict, threads=2) as numbers:
        jobs = [numbers.submit([str(n)], soon()) for n in range(8)]
        jobs[7].cancel()
        gate.open.set()
        numbers.close()

        assert [job.result(0) for job in jobs[:7]] == [[2 * n] for n in range(7)]
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("pipeline-under-test")]
        numbers.close()  # once more does no harm
        with pytest.raises(NotReadyError, match="The model is being put away"):
            numbers.submit(["1"], soon())


def test_many_callers_at_once_get_their_own_answers() -> None:
    sizes: list[int] = []

    class Watcher:
        def batch_ran(self, size: int, seconds: float) -> None:
            sizes.append(size)

    with pipeline(double, max_batch_size=8, threads=2, watcher=Watcher()) as numbers, ThreadPoolExecutor(16) as callers:
        ask = lambda n: numbers.submit([str(n), str(-n)], soon()).result(30)  # noqa: E731
        assert list(callers.map(ask, range(1000))) == [[2 * n, -2 * n] for n in range(1000)]
        assert numbers.waiting == 0

    assert sum(sizes) == 2000
    assert max(sizes) <= 8


def test_an_answered_request_holds_on_to_nothing() -> None:
    class Large:
        """Stands for a picture."""

    made: list[weakref.ref[Large]] = []

    def decode(_: str) -> Any:
        large = Large()
        made.append(weakref.ref(large))
        return large

    gc.disable()  # so that a cycle would be seen
    try:
        with pipeline(lambda pictures: [1 for _ in pictures], decode) as numbers:
            job = numbers.submit(["1", "2"], soon())
            assert job.result(30) == [1, 1]
            wait_until(lambda: all(reference() is None for reference in made), timeout_s=2)
    finally:
        gc.enable()


@pytest.mark.parametrize("fails", ["decoding", "the batch"])
def test_nor_does_one_that_failed(fails: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1, "bifocal")  # or pytest holds on to the trace that is logged

    class Upload:
        """Stands for a file."""

    made: list[weakref.ref[Upload]] = []

    def broken(_: object) -> Any:
        try:
            raise ValueError("what is below")
        except ValueError as below:
            error = RuntimeError("broken")
            below.__cause__ = error  # in a circle, and its context is another than its cause
            raise error from OSError("why")

    def uploads() -> Any:
        uploaded = Upload()
        made.append(weakref.ref(uploaded))
        return [uploaded]

    def ask(numbers: Any) -> None:
        job = numbers.submit(uploads(), soon())
        with pytest.raises(RuntimeError, match="broken"):
            job.result(30)

    gc.disable()  # so that a cycle would be seen
    try:
        predict, decode = (double, broken) if fails == "decoding" else (broken, lambda upload: upload)
        with pipeline(predict, decode) as numbers:
            ask(numbers)
            wait_until(lambda: all(reference() is None for reference in made), timeout_s=2)
    finally:
        gc.enable()


def test_the_time_of_an_example_is_told_apart() -> None:
    def decode(text: str) -> int:
        time.sleep(0.02)
        return int(text)

    gate = Gate()
    with pipeline(gate.predict, decode, max_batch_size=1) as numbers:
        numbers.submit(["0"], soon())
        job = numbers.submit(["1"], soon())
        gate.is_busy.wait(5)
        time.sleep(0.05)
        gate.open.set()
        job.result(30)

    assert job.timing.decode_s >= 0.02
    assert job.timing.queue_s >= 0.03
    assert 0 <= job.timing.infer_s < job.timing.queue_s


def test_what_many_have_given_up_is_not_kept_behind_a_model_that_hangs() -> None:
    gate = Gate()
    with pipeline(gate.predict) as numbers:
        numbers.submit(["0"], soon())
        gate.is_busy.wait(5)
        for number in range(500):
            numbers.submit([str(number)], soon()).cancel()
        assert len(numbers._waiting) < 20
        gate.open.set()


def test_neither_who_counts_nor_who_is_told_can_end_a_model_thread(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def batch_ran(self, size: int, seconds: float) -> None:
            raise RuntimeError("no counter")

    def broken() -> None:
        raise RuntimeError("nobody there")

    gate = Gate()
    with pipeline(gate.predict, watcher=Broken()) as numbers:
        job = numbers.submit(["1"], soon())
        job.on_done(broken)
        gate.open.set()
        assert job.result(30) == [2]
        assert numbers.submit(["2"], soon()).result(30) == [4]

    assert "a batch could not be counted" in caplog.text
    assert "one could not be told that its job is over" in caplog.text
