"""What OpenVINO compiles networks with: one for the process."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import openvino

_making = threading.Lock()


def compiled(network: openvino.Model, **options: Any) -> openvino.CompiledModel:
    """A network made ready for this CPU.

    Its threads are not pinned to CPUs, which decoders, TensorFlow and other models need too.

    Args:
        network: not changed.
        options: of OpenVINO.
    """
    return core().compile_model(network, "CPU", {"ENABLE_CPU_PINNING": False, **options})


def core() -> openvino.Core:
    """The same for whoever asks, and never let go of.

    OpenVINO's plugin for CPUs gives the thread that loads it a stack for signal handlers, and takes it back when its
    core goes. Of two cores, the first to go leaves the second one's thread with a stack that is no longer there, and
    the next signal ends the process without a word.
    """
    with _making:
        return _made()


@cache
def _made() -> openvino.Core:
    import openvino

    return openvino.Core()
