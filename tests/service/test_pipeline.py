"""Batches of what is ready, decoded one batch ahead; answers to whom they belong, and nothing kept of them."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import pytest

from model.errors import NotReadyError
from service.engine.job import Job
from tests.service.pipelines import Gate, double, pipeline, soon
from tests.service.running import wait_until


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


@pytest.mark.parametrize("threads", [1, 3])
def test_a_lone_example_is_prepared_while_it_is_decoded(threads: int) -> None:
    prepared, is_prepared = [], threading.Event()

    def prepare(text: str) -> None:
        prepared.append(text)
        is_prepared.set()

    def decode(text: str) -> int:
        assert is_prepared.wait(30)
        return int(text)

    with pipeline(double, decode, prepare=prepare, threads=threads) as numbers:
        assert numbers.submit(["21"], soon()).result(30) == [42]
        is_prepared.clear()
        assert numbers.submit(["4"], soon()).result(30) == [8]

    assert prepared == ["21", "4"]


def test_in_company_nothing_is_prepared() -> None:
    gate, prepared = Gate(), []
    with pipeline(gate.predict, prepare=prepared.append) as numbers:
        first = numbers.submit(["0", "1"], soon())
        gate.is_busy.wait(5)
        others = [numbers.submit([str(n)], soon()) for n in range(2, 6)]
        gate.open.set()
        assert [job.result(30) for job in (first, *others)] == [[0, 2], [4], [6], [8], [10]]

    assert prepared == []


def test_what_cannot_be_prepared_is_answered_all_the_same() -> None:
    def prepare(text: str) -> None:
        raise RuntimeError("no words")

    with pipeline(double, prepare=prepare) as numbers:
        for number in (21, 4):
            assert numbers.submit([str(number)], soon()).result(30) == [2 * number]


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
