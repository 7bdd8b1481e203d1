"""Programs that work when it is their turn."""

from __future__ import annotations

import sys

import pytest

from benchmarks.turns import Peer

TWO = """
from benchmarks.turns import take_turns
print("what a library says")
take_turns({"fast": lambda: (10, 2.0), "slow": lambda: (10, 5.0)}, facts={"weights": 7})
"""


def test_a_program_is_asked_by_the_names_it_told() -> None:
    with Peer([sys.executable, "-c", TWO]) as peer:
        assert peer.names == ["fast", "slow"]
        assert peer.facts["weights"] == 7
        assert [peer.rate("fast"), peer.rate("slow"), peer.rate("fast")] == [5.0, 2.0, 5.0]


def test_a_program_that_ends_is_told_with_its_exit_code() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        Peer([sys.executable, "-c", "raise SystemExit(3)"])
