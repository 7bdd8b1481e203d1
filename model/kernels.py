"""Which library computes TensorFlow's convolutions and matrix products on the CPU."""

from __future__ import annotations

import platform
from collections.abc import MutableMapping

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"


def prefer_onednn(environment: MutableMapping[str, str], machine: str = platform.machine()) -> None:
    """Has TensorFlow compute by oneDNN on every x86 CPU; only before it is imported.

    By itself it does so on CPUs with AVX-512 VNNI or AMX alone and leaves the others to Eigen, which is slower there
    too: docs/decisions/onednn.md.

    Args:
        environment: where TensorFlow looks; what it says of this already stays.
        machine: as `platform.machine` has it.
    """
    if machine.lower() in ("x86_64", "amd64"):
        environment.setdefault(VARIABLE, "1")


def avoid_onednn(environment: MutableMapping[str, str]) -> None:
    """Has TensorFlow compute without oneDNN; only before it is imported.

    For whoever may be given no example at all, as one of several that share out a last batch of one: oneDNN's
    convolution gives an empty batch the shape of its input.

    Args:
        environment: where TensorFlow looks.
    """
    environment[VARIABLE] = "0"
