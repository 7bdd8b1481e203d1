"""The rows of a manifest that an earlier run has left."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cached_property
from itertools import chain, islice

from service.scoring.manifest import Manifest, Row


class Remaining:
    """Rows behind those that are scored already, to be gone through once.

    Args:
        manifest: that they are of.
        skip: so many rows of it are scored already; it may have fewer.
    """

    def __init__(self, manifest: Manifest, skip: int) -> None:
        self.manifest = manifest
        self.skip = skip

    @property
    def earlier(self) -> int:
        """The number of the last row that is scored already; 0 if there is none."""
        return self._opened[0]

    def __bool__(self) -> bool:
        return self._opened[1] is not None

    def __iter__(self) -> Iterator[Row]:
        _, first, others = self._opened
        return others if first is None else chain([first], others)

    @cached_property
    def _opened(self) -> tuple[int, Row | None, Iterator[Row]]:
        rows = self.manifest.rows()
        skipped = deque(islice(rows, self.skip), maxlen=1)
        return (skipped[0].number if skipped else 0), next(rows, None), rows
