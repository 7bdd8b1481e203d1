"""How a result is written: a part of it, and all parts as one file."""

from __future__ import annotations

import csv
import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from model.errors import ManifestError
from service.scoring.polars import polars
from service.scoring.scored import Cell


class Format(ABC):
    """A kind of file.

    Args:
        schema: of the result.
    """

    def __init__(self, schema: Mapping[str, type[Cell]]) -> None:
        self._schema = schema

    @abstractmethod
    def write_part(self, file: Path, rows: Sequence[Sequence[Cell]]) -> None:
        """Writes some rows, their cells in the order of the schema."""

    @abstractmethod
    def join(self, parts: Sequence[Path], file: Path) -> None:
        """Writes all parts, in their order, as one file."""


def format_of(file: Path, schema: Mapping[str, type[Cell]]) -> Format:
    """The format of a file, by its suffix.

    Raises:
        ManifestError: if it is none that is written, or Parquet can't be.
    """
    kinds: dict[str, Callable[[Mapping[str, type[Cell]]], Format]] = {
        ".parquet": ParquetFormat,
        ".csv": CsvFormat,
        ".jsonl": JsonLinesFormat,
    }
    kind = kinds.get(file.suffix.lower())
    if kind is None:
        raise ManifestError(f"--out {file.name}: expected a name ending in {', '.join(kinds)}.")
    return kind(schema)


class CsvFormat(Format):
    """CSV with a header; what is empty is an empty cell."""

    def write_part(self, file: Path, rows: Sequence[Sequence[Cell]]) -> None:
        """Writes rows without a header."""
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(rows)

    def join(self, parts: Sequence[Path], file: Path) -> None:
        """A header, then the parts as they are."""
        with file.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerow(self._schema)
        _append(parts, file)


class JsonLinesFormat(Format):
    """A JSON object a line; what is empty is null."""

    def write_part(self, file: Path, rows: Sequence[Sequence[Cell]]) -> None:
        """Writes rows."""
        with file.open("w", encoding="utf-8") as stream:
            for row in rows:
                stream.write(json.dumps(dict(zip(self._schema, row, strict=True)), ensure_ascii=False) + "\n")

    def join(self, parts: Sequence[Path], file: Path) -> None:
        """The parts as they are."""
        file.touch()
        _append(parts, file)


class ParquetFormat(Format):
    """Parquet, probabilities as float32; what is empty is null."""

    def __init__(self, schema: Mapping[str, type[Cell]]) -> None:
        super().__init__(schema)
        library = polars()  # missed now, not after the first thousand rows
        types = {int: library.Int64, float: library.Float32, str: library.String}
        self._types = {name: types[kind] for name, kind in schema.items()}

    def write_part(self, file: Path, rows: Sequence[Sequence[Cell]]) -> None:
        """Writes rows."""
        polars().DataFrame(rows, schema=self._types, orient="row").write_parquet(file)

    def join(self, parts: Sequence[Path], file: Path) -> None:
        """Reads the parts one after the other, so memory stays that of a few."""
        if not parts:
            polars().DataFrame(schema=self._types).write_parquet(file)
            return
        polars().scan_parquet([*parts], glob=False).sink_parquet(file, maintain_order=True)


def _append(parts: Sequence[Path], file: Path) -> None:
    with file.open("ab") as stream:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, stream)
