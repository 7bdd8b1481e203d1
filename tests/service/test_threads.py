"""Threads that fit the CPUs."""

from __future__ import annotations

import pytest

from service.cgroup import Cpus
from service.settings import Settings
from service.threads import Threads


@pytest.mark.parametrize(
    ("cpus", "decode", "model", "intra_op", "inter_op"),
    [(1, 1, 1, 1, 1), (2, 2, 1, 2, 1), (4, 4, 1, 4, 2), (16, 16, 2, 8, 2), (32, 16, 4, 8, 4), (256, 16, 4, 16, 4)],
)
def test_what_is_not_told_fits_the_cpus(cpus: int, decode: int, model: int, intra_op: int, inter_op: int) -> None:
    threads = Threads.chosen(Settings(), Cpus(cpus, "all"))

    assert (threads.cpus, threads.told) == (cpus, ())
    assert (threads.decode, threads.model, threads.intra_op, threads.inter_op) == (decode, model, intra_op, inter_op)


def test_calls_at_once_share_the_cpus() -> None:
    threads = Threads.chosen(Settings(model_threads=2), Cpus(4, "all"))

    assert (threads.model, threads.intra_op, threads.inter_op) == (2, 2, 2)


def test_what_is_told_is_taken_as_it_is() -> None:
    told = {"decode_threads": 40, "model_threads": 9, "intra_op_threads": 33, "inter_op_threads": 7}

    threads = Threads.chosen(Settings(**told), Cpus(1, "all"))

    assert (threads.decode, threads.model, threads.intra_op, threads.inter_op) == (40, 9, 33, 7)


def test_cpus_that_are_told_count_more_than_those_found() -> None:
    threads = Threads.chosen(Settings(cpus=2), Cpus(64, "all"))

    assert (threads.cpus, threads.decode, threads.reason) == (2, 2, "as BIFOCAL_CPUS says")


def test_a_line_says_what_was_chosen_and_what_was_told() -> None:
    threads = Threads.chosen(Settings(model_threads=2), Cpus(4, "the cgroup allows 3.5 of 8"))

    assert str(threads) == (
        "Threads for 4 CPUs (the cgroup allows 3.5 of 8): 4 decoding, 2 calling each model (set), 2 intra-op, 2 inter-op."
    )
    assert str(Threads.chosen(Settings(), Cpus(1, "all"))).startswith("Threads for 1 CPU (all): 1 decoding")


def test_unless_told_the_cpus_are_those_of_this_process() -> None:
    assert Threads.chosen(Settings()).cpus >= 1
