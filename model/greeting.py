"""TensorFlow's greeting, filtered out: the lines it prints when it is imported, whatever log level it is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Passes on all lines but those of level I and W from before TensorFlow's logging is set up, and the notices around
# them. A process of its own, so that the last words of an import that crashes still come out.
_FILTER = r"""
import re, sys
greeting = re.compile(rb"[IW]\d{4} |WARNING: All log messages before absl|To enable the following instr|\s*$")
for line in sys.stdin.buffer:
    if not greeting.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


@contextmanager
def filtered() -> Iterator[None]:
    """Surrounds the import of TensorFlow; what else is written to standard error meanwhile is passed on."""
    # What it says later: only what ends the process. Its errors reach us as exceptions, but one that is none is logged
    # on every machine without a GPU.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", _FILTER], stdin=subprocess.PIPE) as process:  # noqa: S603
        # The lines come from C++, so the file descriptor itself has to be led elsewhere.
        if process.stdin is not None:
            os.dup2(process.stdin.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
