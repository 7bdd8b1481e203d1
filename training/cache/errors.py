"""What can be wrong with a cache folder."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from model.errors import StorageError


class DamagedError(Exception):
    """A file of the cache that is not what was written; what it knew has to be found out again."""


@contextmanager
def telling(directory: Path, then: Callable[[], str] = lambda: "Mend that") -> Iterator[None]:
    """Makes a StorageError of what the system or SQLite says of a folder.

    Args:
        directory: of the cache.
        then: what the user should do.
    """
    try:
        yield
    except (OSError, sqlite3.Error, DamagedError) as error:
        what = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise StorageError(
            f"The cache folder {directory} can't be used: {what}. {then()}, or choose another with --cache-dir."
        ) from error
