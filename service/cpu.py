"""What the CPU calls itself and what it can do."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model.kernels import VARIABLE

_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})


@dataclass(frozen=True)
class Cpu:
    """A CPU.

    Args:
        model: its name.
        flags: of its abilities, as Linux has them.
    """

    model: str
    flags: frozenset[str]

    @classmethod
    def found(cls, file: Path = Path("/proc/cpuinfo")) -> Self:
        """That of this machine."""
        with suppress(OSError):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            told = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in reversed(lines)}
            model = told.get("model name") or told.get("CPU part") or platform.processor()
            return cls(model, frozenset(told.get("flags", told.get("Features", "")).split()))
        return cls(platform.processor(), frozenset())

    def has_bfloat16(self, environment: Mapping[str, str] = os.environ) -> bool:
        """Whether it has units for bfloat16 and TensorFlow is to use them, which it does through oneDNN alone."""
        return bool(self.flags & _BFLOAT16) and environment.get(VARIABLE) != "0"
