"""What all kinds of tables have in common."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from model.errors import ManifestError


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in its file.

    Args:
        cells: by column; None, or no such key, is absent.
        line: of the file, where the row begins; the first is 1. None in a file that has no lines.
        fault: why it can't be read, if it can't; it then has no cells.
    """

    cells: Mapping[str, Any]
    line: int | None = None
    fault: str | None = None


class Source(ABC):
    """A table that is read from its beginning to its end, and held nowhere.

    Args:
        path: of the file or folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.share_read = 0.0  # from 0 to 1, while `rows` is under way

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The names of its columns, as far as they are known before all of it is read.

        Raises:
            ManifestError: if it has no header that can be read, or a column twice.
        """

    @property
    def columns_are_final(self) -> bool:
        """Whether no row can have a column that is not among `columns`."""
        return True

    @abstractmethod
    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        """Its rows.

        Args:
            columns: those that are needed; others may be left out where that saves reading them. None is all.

        Raises:
            ManifestError: where it can't be read on, naming the line.
        """

    def other_separator(self) -> str:
        """A hint, if the only column looks like several."""
        return ""

    def passed_over(self) -> str:
        """What lies beside the rows and is none of them, in words; empty if there is nothing."""
        return ""

    @property
    def size(self) -> int:
        """Bytes of it."""
        return self.path.stat().st_size

    def digest(self) -> str:
        """SHA-256 of the file."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def refuse_twice(name: str, columns: list[str]) -> None:
    """Refuses a column that is there twice; a header may lack several names, which nobody can ask for."""
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if twice:
        raise ManifestError(f"{name} has more than one column {', '.join(map(repr, twice))}. Rename them.")


def decoded(stream: BinaryIO, name: str) -> Iterator[str]:
    """Lines of UTF-8, each with its end; a byte order mark is dropped.

    Raises:
        ManifestError: naming the first line that is none.
    """
    for number, line in enumerate(stream, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise ManifestError(f"{name} is not UTF-8 in line {number}. Save it as UTF-8.") from None
