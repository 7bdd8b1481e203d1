"""Run as `python -m training.cache.worker DESCRIPTOR`: decodes the files that it is told over a connection.

It is told a `Decoding` and the digests that need no decoding, answers `READY`, and then gives a `Picture` for each
path.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np

from training.cache.crew import READY
from training.cache.index import DIGEST, membership
from training.cache.picture import Decoding, Picture, read

SOON_S = 0.05


def main(descriptor: int) -> None:
    """Works until the connection is closed, be it by the death of the other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes; who started this one ends it
    with Connection(descriptor) as connection:
        try:
            decoding, joined = connection.recv()
            is_known = membership(np.frombuffer(joined, DIGEST))
            connection.send(READY)
            while True:
                _answer(connection, decoding, is_known, connection.recv())
        except (EOFError, ConnectionError):
            return


def _answer(
    connection: Connection[object, object], decoding: Decoding, is_known: Callable[[bytes], bool], paths: list[str]
) -> None:
    """Several pictures a message, as a message costs as much as a third of a small one; but soon."""
    found: list[Picture] = []
    last = time.monotonic()
    for path in paths:
        found.append(read(path, decoding, is_known))
        if time.monotonic() - last > SOON_S:
            connection.send(found)
            found, last = [], time.monotonic()
    if found:
        connection.send(found)


if __name__ == "__main__":
    main(int(sys.argv[1]))
