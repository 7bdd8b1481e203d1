"""Rows of the manifest as they were given to training, as far as they are still there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from model.spec import Head, MultiLabelHead
from training import manifest
from training.manifest import Manifest
from training.recipe import Recipe


@dataclass(frozen=True)
class Original:
    """A row of the manifest.

    Args:
        cells: for each input what stands in its column; empty where it is absent.
        labels: for each head what stands in its column.
    """

    cells: Mapping[str, str]
    labels: Mapping[str, str]

    def has_label(self, name: str, head: Head, right: str) -> bool:
        """Whether a head's label is what it was in training."""
        if not isinstance(head, MultiLabelHead):
            return self.labels[name] == right
        return _set(head, self.labels[name]) == _set(head, right)


def read(recipe: Recipe, rows: Sequence[int], *, cache_dir: Path) -> tuple[dict[int, Original], str]:
    """Some rows of the manifest by their number, without those it does not have any more; and its digest.

    Args:
        recipe: names the columns.
        rows: numbers, the first row is 1.
        cache_dir: where training kept the columns; if it is gone, they are read anew and not kept.

    Raises:
        ManifestError: if the manifest can't be read.
        StorageError: if there is no room to read it.
    """
    if cache_dir.is_dir():
        return _read(manifest.read(recipe, cache_dir=cache_dir), rows)
    with TemporaryDirectory(prefix="bifocal-") as scratch:
        return _read(manifest.read(recipe, cache_dir=Path(scratch)), rows)


def _read(table: Manifest, rows: Sequence[int]) -> tuple[dict[int, Original], str]:
    data = table.recipe.data
    texts = {name: table.texts(name) for name in data.columns}
    labels = {name: table.label_cells(name) for name in data.labels}
    found = {
        row: Original(
            {name: column[row - 1] for name, column in texts.items()},
            {name: cells.values[cells.codes[row - 1]] for name, cells in labels.items()},
        )
        for row in rows
        if row <= table.num_rows
    }
    return found, table.digest


def _set(head: MultiLabelHead, cell: str) -> set[str]:
    return {label.strip() for label in cell.split(head.delimiter)} - {""}
