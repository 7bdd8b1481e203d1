"""Rows in portions, and what became of them: a portion is one row of a Ray data set, and as bytes.

Ray would take each cell apart to make columns of them, and cells of a manifest may hold anything that JSON can.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from model.errors import BifocalError
from service.scoring.manifest import Manifest, Row
from service.scoring.remaining import Remaining
from service.scoring.scored import Scored

if TYPE_CHECKING:
    import pyarrow

# A portion ends where it has so many bytes, as with pictures in the cells of a Parquet file.
MAX_BYTES = 16 * 2**20


def read(_: pyarrow.Table, manifest: Manifest, skip: int, size: int) -> Iterator[pyarrow.Table]:
    """The portions of a manifest, one after the other: a task of the cluster, which Ray halts when it is far ahead.

    Args:
        manifest: to be read.
        skip: rows at its beginning that are left out.
        size: rows of a portion at most.
    """
    try:
        for rows, share in portions(Remaining(manifest, skip), manifest, size=size):
            yield table(rows, share)
    except BifocalError as error:  # raised here it would reach the one who waits as a failure of Ray
        yield table(as_bytes(error), manifest.share_read)


def portions(
    rows: Iterable[Row], manifest: Manifest, *, size: int, max_bytes: int = MAX_BYTES
) -> Iterator[tuple[bytes, float]]:
    """Portions of rows, and the share of the manifest that was read with each.

    Args:
        rows: of the manifest, in its order.
        manifest: tells how far it is read.
        size: rows of a portion at most.
        max_bytes: of a portion that gets no more rows.
    """
    portion: list[bytes] = []
    total = 0
    for row in rows:
        portion.append(pickle.dumps(row))
        total += len(portion[-1])
        if len(portion) == size or total >= max_bytes:
            yield pickle.dumps(portion), manifest.share_read
            portion, total = [], 0
    if portion:
        yield pickle.dumps(portion), manifest.share_read


def rows_in(portion: bytes) -> list[Row]:
    """The rows of a portion.

    Raises:
        BifocalError: if the manifest could not be read further.
    """
    given = pickle.loads(portion)  # noqa: S301  (written by `portions`)
    if isinstance(given, BifocalError):
        raise given
    return [pickle.loads(row) for row in given]  # noqa: S301


def as_bytes(outcome: Sequence[Scored] | Exception) -> bytes:
    """What became of a portion."""
    return pickle.dumps(outcome)


def outcome_in(given: bytes) -> list[Scored]:
    """What became of a portion.

    Raises:
        Exception: if that became of it.
    """
    outcome = pickle.loads(given)  # noqa: S301  (written by `as_bytes`)
    if isinstance(outcome, Exception):
        raise outcome
    return list(outcome)


def table(portion: bytes, share: float) -> pyarrow.Table:
    """A block of a Ray data set with one row: a portion."""
    import pyarrow

    return pyarrow.table({"portion": pyarrow.array([portion], pyarrow.large_binary()), "share": [share]})


def portion_of(block: pyarrow.Table) -> tuple[bytes, float]:
    """What `table` made a block of."""
    return block["portion"][0].as_py(), block["share"][0].as_py()
