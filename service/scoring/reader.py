"""A row of a manifest as an example, or the reason why it can't be scored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.errors import RequestError
from model.examples import Example
from model.spec import ImageInput, ModelSpec, TagsInput
from model.written_list import written_list
from service.intake.inputs import checked_example
from service.scoring.manifest import Row
from service.scoring.scored import Bad


class Reader:
    """Reads the pictures that rows name.

    Args:
        spec: of the model.
        columns: for each input that the manifest has, its column.
        image_root: folder that picture paths are relative to.
    """

    def __init__(self, spec: ModelSpec, columns: Mapping[str, str], image_root: Path) -> None:
        self._spec = spec
        self._columns = columns
        self._image_root = image_root

    def column_of(self, name: str | None) -> str | None:
        """Where an input is from."""
        return None if name is None else self._columns.get(name)

    def read(self, row: Row) -> Example | Bad:
        """The example of a row; what is empty in it is absent."""
        if row.error is not None:
            return Bad(row.error)
        example: dict[str, bytes | str] = {}
        for name, column in self._columns.items():
            try:
                value = self._value(name, row.cells.get(column))
            except (ValueError, OSError) as error:
                reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
                return Bad(reason, column)
            if value:
                example[name] = value
        try:
            return checked_example(example, self._spec)
        except RequestError:
            return Bad(f"all inputs are empty ({', '.join(self._columns.values())})")

    def _value(self, name: str, cell: Any) -> bytes | str | None:
        given = self._spec.inputs[name]
        if cell is None:
            return None
        if isinstance(given, ImageInput):
            return self._picture(cell)
        if isinstance(given, TagsInput) and isinstance(cell, str) and (tags := written_list(cell)) is not None:
            cell = list[Any](tags)
        if isinstance(given, TagsInput) and isinstance(cell, list):
            return _joined(cell, given.delimiter)
        if isinstance(cell, (str, int, float)):
            return str(cell).strip()
        raise ValueError(f"expected a text. Received: {type(cell).__name__}")

    def _picture(self, cell: Any) -> bytes | None:
        if isinstance(cell, Mapping) and cell.keys() == {"bytes", "path"}:  # as Hugging Face's data sets have it
            cell = cell["path"] if cell["bytes"] is None else cell["bytes"]
        if isinstance(cell, bytes) or cell is None:
            return cell
        if not isinstance(cell, str):
            raise ValueError(f"expected the path of a picture. Received: {type(cell).__name__}")
        return (self._image_root / cell.strip()).read_bytes() if cell.strip() else None


def _joined(tags: list[Any], delimiter: str) -> str:
    for tag in tags:
        if not isinstance(tag, str):
            raise ValueError(f"expected a list of strings. Received in it: {type(tag).__name__}")
        if delimiter in tag:
            raise ValueError(f"the tag {tag!r} holds the delimiter {delimiter!r}")
    return delimiter.join(tags)
