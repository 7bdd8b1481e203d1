"""Which content a file had when it was last read, so that an unchanged one need not be read again."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from training.cache.database import opened
from training.cache.picture import DIGEST_BYTES

_SCHEMA = """CREATE TABLE IF NOT EXISTS files (
    path BLOB PRIMARY KEY, size INTEGER, changed_ns INTEGER, digest BLOB
) WITHOUT ROWID"""

Seen = tuple[bytes, tuple[int, int], bytes]  # key of the path, stamp, digest


def key_of(path: str) -> bytes:
    """Stands for a path; shorter than most."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - half a million of them
    return hashlib.blake2b(absolute.encode(errors="surrogateescape"), digest_size=DIGEST_BYTES).digest()


class Files:
    """The memory of files, one for all families of a cache.

    Args:
        path: of the database; made when it is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def recall(self, asked: Iterable[tuple[bytes, tuple[int, int]]]) -> list[bytes | None]:
        """For each key and stamp the digest, or None if the file is new or has changed.

        Raises:
            DamagedError: if the database is damaged.
        """
        if not self.path.exists():
            return [None for _ in asked]
        with opened(self.path, _SCHEMA) as database:
            return [self._one(database, key, stamp) for key, stamp in asked]

    def remember(self, seen: Iterable[Seen]) -> None:
        """Notes contents, all of them or none.

        Raises:
            DamagedError: if the database is damaged.
            sqlite3.OperationalError: if it can't be written.
        """
        with opened(self.path, _SCHEMA) as database:
            rows = [(key, *stamp, digest) for key, stamp, digest in seen]
            database.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)
            database.commit()

    @staticmethod
    def _one(database: sqlite3.Connection, key: bytes, stamp: tuple[int, int]) -> bytes | None:
        row = database.execute(
            "SELECT digest FROM files WHERE path = ? AND size = ? AND changed_ns = ?", (key, *stamp)
        ).fetchone()
        return row[0] if row and isinstance(row[0], bytes) and len(row[0]) == DIGEST_BYTES else None
