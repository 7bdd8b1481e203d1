"""What the benchmark of rows makes of what it measured."""

from __future__ import annotations

import pytest

from benchmarks.rows import Cost, per_row_bytes, per_row_us


def test_what_a_further_row_takes_leaves_out_what_no_row_takes() -> None:
    costs = [Cost(1_000, 21.0, 500.0, 600.0), Cost(11_000, 31.0, 501.0, 700.0), Cost(111_000, 131.0, 511.0, 900.0)]

    assert per_row_us(costs) == pytest.approx([1000, 1000])
    assert per_row_bytes(costs) == pytest.approx([104.8576, 104.8576])
