"""Which of its kernels TensorFlow computes with; says so before it is imported, and imports nothing itself."""

from __future__ import annotations

import os

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"


def prefer_onednn() -> None:
    """Turns oneDNN's kernels on, unless the user has said something else.

    TensorFlow has them on by itself only on CPUs with AVX-512 units for neural networks. With AVX2 alone they train
    networks of convolutions 1.5 to 2 times as fast too; docs/benchmarks.md. The variable is read once, on its import.
    """
    os.environ.setdefault(VARIABLE, "1")
