"""JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

from training.manifests.source import Row, Source, decoded

ROWS_FOR_COLUMNS = 1000


class JsonLines(Source):
    """A JSON object a line, UTF-8; its keys are columns, and a row may lack some. Blank lines do not count.

    A line that is no JSON object is a row that can't be used, and the others can.
    """

    @property
    def columns(self) -> list[str]:
        """The keys of the first rows, in the order in which they come."""
        return list(dict.fromkeys(key for row in islice(self.rows(), ROWS_FOR_COLUMNS) for key in row.cells))

    @property
    def columns_are_final(self) -> bool:
        """A later row may have another key."""
        return False

    def rows(self, columns: Collection[str] | None = None) -> Iterator[Row]:  # noqa: ARG002 - a line is read whole
        """Its rows.

        Raises:
            ManifestError: at a line that is not UTF-8.
        """
        size = max(1, self.size)
        with self.path.open("rb") as stream:
            for number, line in enumerate(decoded(stream, self.path.name), 1):
                if not line.isspace():
                    self.share_read = stream.tell() / size
                    yield _row(number, line.rstrip())


def _row(number: int, line: str) -> Row:
    try:
        cells = json.loads(line, object_pairs_hook=_each_key_once)
    except json.JSONDecodeError as error:
        return Row({}, number, f"it is not JSON: {error.msg} at character {error.pos + 1}")
    except (ValueError, RecursionError) as error:
        return Row({}, number, f"it can't be read: {error}")
    if not isinstance(cells, dict):
        return Row({}, number, f"it is a {type(cells).__name__}; expected a JSON object")
    return Row(cells, number)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice in it")
    return made
