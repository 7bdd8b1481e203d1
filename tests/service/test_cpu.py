"""What a CPU has."""

from __future__ import annotations

from pathlib import Path

from service.cpu import Cpu


def test_bfloat16_needs_units_for_it_and_onednn(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A 3\nflags\t\t: avx2 amx_bf16\n\nprocessor\t: 1\n")
    cpu = Cpu.found(tmp_path / "cpuinfo")

    assert cpu == Cpu("A 3", frozenset({"avx2", "amx_bf16"}))
    assert cpu.has_bfloat16({})
    assert not cpu.has_bfloat16({"TF_ENABLE_ONEDNN_OPTS": "0"})
    assert not Cpu("B", frozenset({"avx2"})).has_bfloat16({})
