"""How the graphs that a thread calls are run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import tensorflow as tf

from model.graph_options import as_written, called_with, in_bfloat16
from tests import graph_options


@pytest.mark.parametrize(
    ("options", "is_on"),
    # Whether the CPU has units for bfloat16 or not; that decides only whether it changes anything.
    [(in_bfloat16, graph_options.in_bfloat16), (as_written, lambda: not graph_options.is_optimized())],
)
def test_options_are_one_threads_own_and_over_afterwards(
    options: Callable[[], object], is_on: Callable[[], bool]
) -> None:
    twice = tf.function(lambda value: value * 2)
    with called_with(options()), ThreadPoolExecutor(1) as another:
        assert is_on()
        assert another.submit(lambda: float(twice(tf.constant(2.0)))).result() == 4
        assert not another.submit(is_on).result()
        assert twice(tf.constant(2.0)) == 4
    assert not is_on()


def test_options_are_added_to_those_there_are_and_can_be_taken_back() -> None:
    with called_with(in_bfloat16()), called_with(as_written()):
        assert graph_options.in_bfloat16()
        with called_with(in_bfloat16(False)):
            assert not graph_options.in_bfloat16()
            assert not graph_options.is_optimized()
