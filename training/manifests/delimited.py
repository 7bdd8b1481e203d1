"""CSV and TSV."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from model.errors import ManifestError
from training.manifests.source import Row, Source, decoded, refuse_twice

SEPARATORS = {".csv": ",", ".tsv": "\t"}
LARGEST_CELL = 2**24  # characters; a quote that is not closed makes a cell of the rest of the file


class Delimited(Source):
    """CSV or TSV with a header, UTF-8, with or without a byte order mark; quoted cells may hold line breaks.

    A row with fewer cells than the header lacks the last ones. Blank lines before the header do not count; one after it
    is a row without any cell, unless only blank lines follow.
    """

    @property
    def columns(self) -> list[str]:
        """Those of the header that have a name."""
        return [column for column in self._header() if column]

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:  # noqa: ARG002 - a line is read whole
        """Its rows.

        Raises:
            ManifestError: at a row with more cells than the header, or a quoted cell that does not end.
        """
        header, size = self._header(), max(1, self.size)
        with self.path.open("rb") as stream:
            parsed = self._parsed(stream)
            next(parsed, None)
            blank: list[int] = []
            for line, cells in parsed:
                if not cells:
                    blank.append(line)
                    continue
                yield from (Row({}, missing) for missing in blank)
                blank.clear()
                if len(cells) > len(header):
                    raise ManifestError(
                        f"{self.path.name} can't be read as a table: line {line} has {len(cells)} cells, and the "
                        f"header {len(header)}. Put cells that hold the separator in double quotes."
                    )
                self.share_read = stream.tell() / size
                yield Row(dict(zip(header, cells, strict=False)), line)

    def other_separator(self) -> str:
        columns = self._header()
        for separator in ";\t,":
            if len(columns) == 1 and separator in columns[0]:
                return (
                    f" Its cells seem to be separated by {separator!r}; expected {self._separator!r} in a "
                    f"{self.path.suffix} file."
                )
        return ""

    @property
    def _separator(self) -> str:
        return SEPARATORS[self.path.suffix.lower()]

    def _header(self) -> list[str]:
        with self.path.open("rb") as stream:
            _, header = next(self._parsed(stream), (1, []))
        if not header:
            raise ManifestError(f"{self.path.name} can't be read as a table: it is empty. Expected a header and rows.")
        refuse_twice(self.path.name, header)
        return header

    def _parsed(self, stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
        """Cells of each row after the line in which it begins."""
        csv.field_size_limit(LARGEST_CELL)
        parsed: Any = csv.reader(decoded(stream, self.path.name), delimiter=self._separator, strict=True)
        begun, is_header = 1, True  # blank lines before the header do not count
        try:
            for cells in parsed:
                if not is_header or any(map(str.strip, cells)):
                    yield begun, cells
                    is_header = False
                begun = parsed.line_num + 1
        except csv.Error as error:
            raise ManifestError(
                f"{self.path.name} can't be read as a table: in the row that begins in line {begun}, {_in_words(error)}"
            ) from None


def _in_words(error: csv.Error) -> str:
    if "new-line character" in str(error):
        return "there is a carriage return without a line feed. Save the table with the line ends of Unix or Windows."
    return "a quoted cell does not end. Double the quotes within a quoted cell, and quote a cell that begins with one."
