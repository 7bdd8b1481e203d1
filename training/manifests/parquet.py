"""Parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from model.errors import ManifestError
from training.manifests.source import Row, Source

ROWS_AT_ONCE = 4096


class Parquet(Source):
    """A Parquet file; a cell may hold a list."""

    @property
    def columns(self) -> list[str]:
        """Those of its schema."""
        return self._schema().names()

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:
        """Its rows, with those of some columns that it has; others may hold a picture in every cell.

        Raises:
            ManifestError: if a part of it is broken.
        """
        try:
            frame = pl.scan_parquet(self.path, glob=False)
            total = max(1, int(frame.select(pl.len()).collect().item()))
            if columns is not None:
                names = self.columns
                frame = frame.select([name for name in names if name in columns] or names[:1])  # of none: no rows
            number = 0
            for batch in frame.collect_batches(chunk_size=ROWS_AT_ONCE, engine="streaming"):
                for cells in batch.iter_rows(named=True):
                    number += 1
                    self.share_read = number / total
                    yield Row(cells)
        except pl.exceptions.PolarsError as error:
            raise _broken(self.path.name, error) from None

    def _schema(self) -> pl.Schema:
        try:
            return pl.scan_parquet(self.path, glob=False).collect_schema()
        except pl.exceptions.PolarsError as error:
            raise _broken(self.path.name, error) from None


def _broken(name: str, error: Exception) -> ManifestError:
    return ManifestError(f"{name} can't be read as Parquet: {str(error).splitlines()[0]}. Write it again.")
