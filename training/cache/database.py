"""SQLite files of the cache."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from training.cache.errors import DamagedError

BUSY_S = 60.0


@contextmanager
def opened(path: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """A database with its table. What is not committed in the end is undone.

    Raises:
        DamagedError: if the file is no whole database.
        sqlite3.OperationalError: if it can't be opened, read or written, for want of room or rights.
    """
    connection = sqlite3.connect(path, timeout=BUSY_S)
    try:
        connection.execute(schema)
        yield connection
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise DamagedError(f"{path}: {error}") from error
    finally:
        connection.close()


def remove(path: Path) -> None:
    """Deletes a database."""
    for suffix in ("", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
