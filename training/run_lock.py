"""Which process is at work in a folder: two would write over each other's checkpoints."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import StorageError

# Beside the checkpoints, which go when the run is finished: then nothing is left to be guarded.
_FILE = Path("checkpoint") / "lock"


@contextmanager
def at_work(run: Path) -> Iterator[None]:
    """While it is open, no other process works on the run. It ends with the process, however that ends.

    Args:
        run: folder of the run.

    Raises:
        StorageError: if another process is at work on it, or the folder can't be written.
    """
    advice = "Wait for it, or end it first: it saves what it has when it is told to end."
    with locked(run / _FILE, what=f"{run} is being trained", advice=advice):
        yield


@contextmanager
def locked(file: Path, *, what: str, advice: str) -> Iterator[None]:
    """While it is open, no other process holds the lock. It ends with the process, however that ends.

    Args:
        file: the lock; folders that it is in are made.
        what: is being done, for the error: "runs/demo is being trained".
        advice: what to do, for the error.

    Raises:
        StorageError: if another process holds it, or the file can't be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.open("a+", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{file} can't be written: {error.strerror or error}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StorageError(f"{what} by process {lock.read().strip() or 'unknown'} already. {advice}") from None
        except OSError:
            pass  # a file system without locks: better unguarded than not at all
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def is_worked_on(run: Path) -> bool:
    """Whether a process is at work on a run, as far as this machine knows."""
    try:
        with (run / _FILE).open(encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
