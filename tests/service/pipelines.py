"""Pipelines of numbers, and what holds them up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from service.engine.pipeline import Pipeline

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
