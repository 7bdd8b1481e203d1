"""Who comes first on a busy machine."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

# Each step weighs a tenth less: at 5 a thread has a third of the share of one at 0, when both want the same CPU.
_NICENESS = 5


def step_back() -> None:
    """Lets this thread, and threads that it starts, give way to the event loop.

    The loop needs little, but at once: when decoding and the model take all CPUs, it is the loop that has to take
    requests, refuse what is too much, and answer probes. Linux has a niceness for each thread; where there is none,
    nothing happens.
    """
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
