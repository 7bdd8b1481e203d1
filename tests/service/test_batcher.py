"""Batches of what waits, answers to whom they belong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from model.errors import NotReadyError
from service.batcher import Batcher


@contextmanager
def batching(predict: Callable[[Sequence[int]], Sequence[int]], max_batch_size: int = 3) -> Iterator[Batcher[int, int]]:
    batcher = Batcher(predict, max_batch_size=max_batch_size, name="batcher-under-test")
    try:
        yield batcher
    finally:
        batcher.close()


class Gate:
    """Doubles numbers, and keeps the first batch until it is opened, so that others must wait in line."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.is_busy = threading.Event()
        self.open = threading.Event()

    def predict(self, examples: Sequence[int]) -> list[int]:
        self.batches.append(list(examples))
        self.is_busy.set()
        self.open.wait(10)
        return [2 * example for example in examples]


def double(examples: Sequence[int]) -> list[int]:
    return [2 * example for example in examples]


def test_a_lone_example_is_answered_without_company() -> None:
    with batching(double) as batcher:
        assert batcher.submit(21).result(timeout=5) == 42


def test_answers_belong_to_their_examples_in_order() -> None:
    with batching(double) as batcher:
        futures = [batcher.submit(number) for number in range(20)]

        assert [future.result(timeout=5) for future in futures] == list(range(0, 40, 2))


def test_a_batch_is_what_waits_in_order_and_never_over_the_limit() -> None:
    gate = Gate()
    with batching(gate.predict) as batcher:
        batcher.submit(0)
        gate.is_busy.wait(5)
        futures = [batcher.submit(number) for number in range(1, 8)]
        gate.open.set()
        assert [future.result(timeout=5) for future in futures] == [2, 4, 6, 8, 10, 12, 14]

    assert gate.batches == [[0], [1, 2, 3], [4, 5, 6], [7]]


def test_an_error_goes_to_its_batch_and_to_no_other() -> None:
    def picky(examples: Sequence[int]) -> list[int]:
        if 13 in examples:
            raise ValueError("13 is not for this model")
        return double(examples)

    with batching(picky, max_batch_size=1) as batcher:
        before, unlucky, after = (batcher.submit(number) for number in (12, 13, 14))

        assert (before.result(timeout=5), after.result(timeout=5)) == (24, 28)
        with pytest.raises(ValueError, match="13 is not for this model"):
            unlucky.result(timeout=5)


def test_everyone_in_a_failed_batch_hears_of_it() -> None:
    gate = Gate()

    def fail(examples: Sequence[int]) -> list[int]:
        gate.predict(examples)
        raise RuntimeError("out of memory")

    with batching(fail) as batcher:
        batcher.submit(0)
        gate.is_busy.wait(5)
        futures = [batcher.submit(number) for number in (1, 2)]
        gate.open.set()

        assert [str(future.exception(timeout=5)) for future in futures] == ["out of memory", "out of memory"]
    assert gate.batches == [[0], [1, 2]]


@pytest.mark.parametrize("wrong", [[], [1, 2]], ids=["too few", "too many"])
def test_a_wrong_number_of_answers_is_an_error_and_not_the_end_of_the_thread(wrong: list[int]) -> None:
    answers = iter([wrong, [7]])
    with batching(lambda _: next(answers)) as batcher:
        assert isinstance(batcher.submit(1).exception(timeout=5), ValueError)

        assert batcher.submit(1).result(timeout=5) == 7


def test_a_cancelled_example_is_not_run() -> None:
    gate = Gate()
    with batching(gate.predict) as batcher:
        batcher.submit(0)
        gate.is_busy.wait(5)
        gone, stayed = batcher.submit(1), batcher.submit(2)
        assert gone.cancel()
        gate.open.set()
        assert stayed.result(timeout=5) == 4

    assert gate.batches == [[0], [2]]


def test_a_batch_in_which_all_are_cancelled_is_not_run() -> None:
    gate = Gate()
    with batching(gate.predict) as batcher:
        batcher.submit(0)
        gate.is_busy.wait(5)
        assert all(batcher.submit(number).cancel() for number in (1, 2))
        gate.open.set()

    assert gate.batches == [[0]]


def test_close_answers_all_that_was_accepted_and_ends_the_thread() -> None:
    gate = Gate()
    with batching(gate.predict) as batcher:
        futures = [batcher.submit(number) for number in range(8)]
        gate.open.set()
        batcher.close()

        assert [future.result(timeout=0) for future in futures] == list(range(0, 16, 2))
        assert "batcher-under-test" not in [thread.name for thread in threading.enumerate()]
        batcher.close()  # once more does no harm


def test_many_threads_at_once_get_their_own_answers() -> None:
    sizes = []

    def predict(examples: Sequence[int]) -> list[int]:
        sizes.append(len(examples))
        return double(examples)

    with batching(predict, max_batch_size=8) as batcher, ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(lambda number: batcher.submit(number).result(timeout=10), range(2000)))

    assert answers == list(range(0, 4000, 2))
    assert sum(sizes) == 2000
    assert max(sizes) <= 8


def test_nothing_can_be_submitted_after_closing() -> None:
    batcher = Batcher(lambda examples: examples, max_batch_size=4, name="test")
    batcher.close()

    with pytest.raises(NotReadyError, match="The model is being put away"):
        batcher.submit(1)
