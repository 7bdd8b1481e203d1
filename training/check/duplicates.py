"""Pictures that stand in more than one split: the figures of a test on what was trained on flatter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.cache import Decoded
from training.check.alike import alike
from training.check.near import near
from training.gathered import Gathered

# Of 64 bits; a picture of one colour, or one that gets lighter evenly, has none or all, and is told from no other.
PLAIN_BITS = 3


@dataclass(frozen=True)
class Duplicate:
    """A row of validation or test with content that another split has too.

    Args:
        position: of the row, 0 is the first.
        other: position of a row in train, or of one in validation.
        what: the image input that is the same; None is the whole row.
        distance: bits in which the dHashes differ; None if the files, or the rows, are the same.
    """

    position: int
    other: int
    what: str | None
    distance: int | None


def duplicates(
    whole: Gathered,
    keys: NDArray[np.bytes_],
    split: NDArray[np.int8],
    placeholders: Mapping[str, NDArray[np.bool_]],
) -> list[Duplicate]:
    """The duplicates across splits, at most one a row and input; of a row that is the same as a whole, no more is said.

    Args:
        whole: all rows.
        keys: bytes (usable,), equal for rows of equal content.
        split: int8 (rows,); a row of none is a twin of none.
        placeholders: for each image input bool (rows,), whether a picture is to be passed over.
    """
    usable = whole.manifest.usable
    says = np.any([given & ~placeholders.get(name, False) for name, given in whole.present.items()], axis=0)
    compared = (says & (split >= 0))[usable]
    keys, usable = keys[compared], usable[compared]
    rows = [Duplicate(a, b, None, None) for a, b in _same(keys, usable, split[usable])]
    told = {one.position for one in rows}
    for name, column in whole.pictures.items():
        given = usable[column.digests[usable].any(axis=1) & ~placeholders[name][usable]]
        digests = np.ascontiguousarray(column.digests[given]).view("V16").reshape(-1)
        same = _same(digests, given, split[given])
        known = told | {position for position, _ in same}
        rows += [Duplicate(a, b, name, None) for a, b in same if a not in told]
        rows += [one for one in _alike(name, column, given, split) if one.position not in known]
    return sorted(rows, key=lambda one: (one.position, one.what or ""))


def is_plain(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Bool (hashes,), whether a hash says too little to tell pictures apart by it."""
    bits = np.bitwise_count(hashes)
    return (bits <= PLAIN_BITS) | (bits >= 64 - PLAIN_BITS)


def _same(
    keys: NDArray[np.void] | NDArray[np.bytes_], at: NDArray[np.intp], split: NDArray[np.int8]
) -> list[tuple[int, int]]:
    """Rows whose key is in an earlier split too, each with the first such row.

    Args:
        keys: (rows,).
        at: intp (rows,), positions.
        split: int8 (rows,).
    """
    _, codes = np.unique(keys, return_inverse=True)
    codes = codes.reshape(-1)
    order = np.lexsort((at, split, codes))  # within a key the earliest split first
    first = order[np.searchsorted(codes[order], codes)]
    later = np.flatnonzero(split > split[first])
    return list(zip(at[later].tolist(), at[first[later]].tolist(), strict=True))


def _alike(name: str, column: Decoded, given: NDArray[np.intp], split: NDArray[np.int8]) -> list[Duplicate]:
    """Rows of validation that look like one in train, and of test like one in either."""
    given = given[~is_plain(column.hashes[given])]
    found: dict[int, Duplicate] = {}
    for later in (1, 2):
        asked, others = given[split[given] == later], given[(split[given] < later) & (split[given] >= 0)]
        if not len(asked) or not len(others):
            continue
        query, hit = near(column.hashes[asked], column.hashes[others])
        first, second = asked[query], others[hit]
        kept = alike(column, first, second)
        distance = np.bitwise_count(column.hashes[first] ^ column.hashes[second])
        for a, b, bits_apart in zip(first[kept].tolist(), second[kept].tolist(), distance[kept].tolist(), strict=True):
            found.setdefault(a, Duplicate(a, b, name, bits_apart))
    return list(found.values())
