"""A table on disk as rows, one after the other: CSV, TSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from model.errors import ManifestError
from service.scoring.polars import polars

SEPARATORS = {".csv": ",", ".tsv": "\t"}
# Of a JSON Lines file, whose rows need not all have the same keys, so many tell the columns.
ROWS_FOR_COLUMNS = 1000
ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Row:
    """A row of a manifest.

    Args:
        number: the first one is 1.
        cells: by column; None is absent.
        error: why it can't be read, if it can't.
    """

    number: int
    cells: Mapping[str, Any]
    error: str | None = None


class Manifest(ABC):
    """A table that is read from its beginning to its end.

    Args:
        file: to be read.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._begun_at = file.stat()
        self.share_read = 0.0  # of the file, from 0 to 1

    @property
    @abstractmethod
    def columns(self) -> list[str]:
        """The names of its columns."""

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Its rows.

        Raises:
            ManifestError: where it can't be read on.
        """

    def digest(self) -> str:
        """SHA-256 of the file."""
        with self.file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def refuse_if_changed(self) -> None:
        """Notices a file that was written to since it was opened.

        Raises:
            ManifestError: if it was.
        """
        now = self.file.stat()
        if (now.st_size, now.st_mtime_ns) != (self._begun_at.st_size, self._begun_at.st_mtime_ns):
            raise ManifestError(f"{self.file.name} was changed while it was read. Start anew with --restart.")


def open_manifest(file: Path) -> Manifest:
    """The manifest in a file, by its suffix.

    Raises:
        ManifestError: if there is none, or of another kind.
    """
    kinds: dict[str, Callable[[Path], Manifest]] = {
        ".csv": Table,
        ".tsv": Table,
        ".jsonl": JsonLines,
        ".parquet": Parquet,
    }
    kind = kinds.get(file.suffix.lower())
    if kind is None:
        raise ManifestError(f"{file.name}: a manifest is a table ending in {', '.join(kinds)}.")
    if not file.is_file():
        raise ManifestError(f"There is no manifest {file}.")
    return kind(file.absolute())  # wherever it is read: on a cluster that is another process


class Table(Manifest):
    """CSV or TSV with a header. A row is the number of the row, not of the line: quoted cells may hold line breaks."""

    @property
    def columns(self) -> list[str]:
        """Those of the header."""
        with self.file.open("rb") as stream:
            header = next(self._parsed(stream), [])
        twice = sorted({column for column in header if header.count(column) > 1})
        if twice:
            raise ManifestError(
                f"{self.file.name} has more than one column {', '.join(map(repr, twice))}. Rename them."
            )
        return header

    def rows(self) -> Iterator[Row]:
        """Its rows. One with more cells than the header can't be used."""
        columns = self.columns
        with self.file.open("rb") as stream:
            lines = self._parsed(stream)
            next(lines, None)
            number = blank = 0
            for cells in lines:
                if not cells:
                    blank += 1  # counts, as in training, unless nothing but blank lines follow
                    continue
                yield from (Row(number + missing, {}) for missing in range(1, blank + 1))
                number, blank = number + blank + 1, 0
                self.share_read = stream.tell() / max(1, self._begun_at.st_size)
                if len(cells) > len(columns):
                    yield Row(number, {}, f"it has {len(cells)} cells, and the header {len(columns)}")
                else:
                    yield Row(number, dict(zip(columns, cells, strict=False)))

    def _parsed(self, stream: BinaryIO) -> Iterator[list[str]]:
        csv.field_size_limit(sys.maxsize)  # else a cell of more than 128 KiB ends the run, even in an unused column
        text = (line for line in _decoded(stream, self.file))
        lines = csv.reader(text, delimiter=SEPARATORS[self.file.suffix.lower()], strict=True)
        begun = False  # blank lines before the header do not count
        try:
            for cells in lines:
                begun = begun or any(map(str.strip, cells))
                if begun:
                    yield cells
        except csv.Error as error:
            raise ManifestError(
                f"{self.file.name} can't be read as a table near line {lines.line_num}: {error}. Double the quotes "
                "within a quoted cell, and quote a cell that begins with one."
            ) from None


class JsonLines(Manifest):
    """A JSON object a line. A line that is none can't be used; blank lines don't count."""

    @property
    def columns(self) -> list[str]:
        """The keys of the first rows, in the order in which they come."""
        return list(dict.fromkeys(key for row in islice(self.rows(), ROWS_FOR_COLUMNS) for key in row.cells))

    def rows(self) -> Iterator[Row]:
        """Its rows."""
        with self.file.open("rb") as stream:
            number = 0
            for line in _decoded(stream, self.file):
                if line.isspace():
                    continue
                number += 1
                self.share_read = stream.tell() / max(1, self._begun_at.st_size)
                yield _from_json(number, line)


class Parquet(Manifest):
    """A Parquet file; needs polars. A cell may hold a list of tags, or a picture's bytes."""

    @property
    def columns(self) -> list[str]:
        """Those of its schema."""
        return list(self._scanned().collect_schema().names())

    def rows(self) -> Iterator[Row]:
        """Its rows."""
        scanned = self._scanned()
        total = int(scanned.select(polars().len()).collect().item())
        for start in range(0, total, ROWS_AT_ONCE):
            frame = scanned.slice(start, ROWS_AT_ONCE).collect()
            for number, cells in enumerate(frame.iter_rows(named=True), start + 1):
                self.share_read = number / total
                yield Row(number, cells)

    def _scanned(self) -> Any:
        try:
            scanned = polars().scan_parquet(self.file, glob=False)
            scanned.collect_schema()
        except polars().exceptions.PolarsError as error:
            raise ManifestError(f"{self.file.name} can't be read as Parquet: {str(error).splitlines()[0]}") from None
        return scanned


def _from_json(number: int, line: str) -> Row:
    try:
        cells = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Row(number, {}, f"it is not JSON: {error}")
    return Row(number, cells) if isinstance(cells, dict) else Row(number, {}, "it is not a JSON object")


def _decoded(stream: BinaryIO, file: Path) -> Iterator[str]:
    """Lines of UTF-8, each decoded on its own so that the stream can tell how far it is."""
    for number, line in enumerate(stream, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise ManifestError(f"{file.name} is not UTF-8 in line {number}. Save it as UTF-8.") from None
