"""TensorFlow's greeting, held back: the log lines it prints when it is imported, whatever log level it is told."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# Lines of level I and W from before its logging is set up, and the notices around them. Errors pass.
_GREETING = re.compile(rb"[IW]\d{4} |WARNING: All log messages before absl|To enable the following instr|\s*$")


@contextmanager
def held_back() -> Iterator[None]:
    """Surrounds the import of TensorFlow; what else is written to standard error meanwhile comes out at the end."""
    # What it says later: only what ends the process. Its errors reach us as exceptions, but one that is none is logged
    # on every machine without a GPU.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as scratch:
        # The lines come from C++, so the file descriptor itself has to be led elsewhere.
        os.dup2(scratch.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            scratch.seek(0)
            for line in scratch:
                if not _GREETING.match(line):
                    os.write(2, line)
