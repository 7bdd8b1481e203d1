"""Which rows train, which choose the epoch, and which are looked at once."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError
from training.pipeline import Targets
from training.recipe import SplitSettings

SPLITS = ("train", "val", "test")
SPELLINGS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}

# For each head the labels of a row: one, or any number.
Combination = tuple[tuple[str, ...], ...]
# Of a ticket, left in an empty urn: if the urns of two labels exclude all splits together, the row must go somewhere.
_REST = 0.05
_LISTED = 10  # labels in a message; check.json has the counts of all


def named(value: str) -> int:
    """The split that a cell names, an index of `SPLITS`; -1 if it names none."""
    spelled = SPELLINGS.get(value.lower())
    return -1 if spelled is None else SPLITS.index(spelled)


def by_column(values: Sequence[str], rows: Sequence[int], column: str) -> NDArray[np.int8]:
    """The splits that a manifest column gives.

    Args:
        values: distinct values of the column.
        rows: for each the first row that has it, for the error.
        column: its name, for the error.

    Returns:
        For each value its split, an index of `SPLITS`.

    Raises:
        ManifestError: at the first row whose value is none of these.
    """
    for row, value in sorted(zip(rows, values, strict=True)):
        if named(value) < 0:
            raise ManifestError(
                f"Row {row}: column {column!r} says {value!r}; expected one of {', '.join(sorted(SPELLINGS))}."
            )
    return np.array([named(value) for value in values], np.int8)


def by_ratio(
    codes: NDArray[np.integer],
    combinations: Sequence[Combination],
    groups: NDArray[np.integer] | None,
    settings: SplitSettings,
    among: Sequence[int] = range(len(SPLITS)),
) -> NDArray[np.int8]:
    """Makes a split: stratified by the labels of all heads, groups whole, the same for the same seed.

    Row after row, as patients come to a trial with permuted blocks (Zelen 1974): for each label an urn holds as many
    tickets for each split as are its share of the next few rows, and a row draws from the urns of all its labels
    at once. What a row draws depends on the rows before it and on nothing else, so rows that are appended leave the
    old ones where they are. A row of a group that was met before goes where the group is.

    Args:
        codes: integers (rows,), which of the combinations of labels a row has.
        combinations: the labels of each head. To have none is a label too.
        groups: integers (rows,), equal in a group; negative makes a row a group of its own.
        settings: the shares and the seed.
        among: the splits that rows come to; train is one of them, and gets the shares of the others too.

    Returns:
        int8 (rows,), an index of `SPLITS`. The first row of a label is in train, unless its group is elsewhere.
    """
    validation, test = (share * (split in among) for split, share in ((1, settings.validation), (2, settings.test)))
    shares = (1 - validation - test, validation, test)
    block = math.ceil(1 / min(filter(None, shares)))
    urns: dict[tuple[int, str | None], _Urn] = {}
    own: list[list[_Urn]] = []  # of each combination, the urns of its labels
    for combination in combinations:
        labels = [(head, label) for head, names in enumerate(combination) for label in sorted(names) or (None,)]
        own.append([urns.setdefault(label, _Urn(shares, block)) for label in labels])
    drawn = [0] * len(combinations)
    of_group: dict[int, int] = {}
    result = np.empty(len(codes), np.int8)
    for row, (code, group) in enumerate(zip(codes.tolist(), _listed(groups, len(codes)), strict=True)):
        split = of_group.get(group)
        if split is None:
            if all(urn.held[0] for urn in own[code]):
                split = _draw(own[code], shares, _chance(settings.seed, combinations[code], drawn[code]))
                drawn[code] += 1
            else:
                split = 0  # a label that is nowhere yet must be trained on
            if group >= 0:
                of_group[group] = split
        for urn in own[code]:
            urn.take(split)
        result[row] = split
    return result


class _Urn:
    """What each split should still get of a label."""

    __slots__ = ("_block", "_rows", "_shares", "held")

    def __init__(self, shares: tuple[float, ...], block: int) -> None:
        self.held = [0, 0, 0]  # rows of the label in each split
        self._rows = 0
        self._shares, self._block = shares, block

    def take(self, split: int) -> None:
        self.held[split] += 1
        self._rows += 1

    def tickets(self) -> list[float]:
        """By the end of the block that the next row is in, each split is to have its share."""
        end = (self._rows // self._block + 1) * self._block
        return [max(0.0, share * end - held) for share, held in zip(self._shares, self.held, strict=True)]


def _draw(urns: list[_Urn], shares: tuple[float, ...], chance: float) -> int:
    """A split, by the product of what its labels have left for it, each as a multiple of the split's share."""
    odds = list(shares)
    for urn in urns:
        odds = [
            odd * (left + _REST) / (share or 1) for odd, left, share in zip(odds, urn.tickets(), shares, strict=True)
        ]
    chance *= sum(odds)
    last = max(split for split, share in enumerate(shares) if share)
    for split in range(last):
        if chance < odds[split]:
            return split
        chance -= odds[split]
    return last


def _chance(seed: int, combination: Combination, number: int) -> float:
    """From 0 to 1, the same for the same labels however many others there are."""
    told = f"{seed} {number} {[sorted(names) for names in combination]}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(told, digest_size=8).digest(), "big") / 2**64


def _listed(groups: NDArray[np.integer] | None, rows: int) -> list[int]:
    return [-1] * rows if groups is None else groups.tolist()


def check(split: NDArray[np.int8], targets: Targets, *, labels: Sequence[str], column: str) -> list[str]:
    """Looks whether one can train on a split.

    Args:
        split: int8 (rows,), indices of `SPLITS`.
        targets: int32 (rows,), class indices, or bool (rows, classes).
        labels: the classes.
        column: of the labels, for the messages.

    Returns:
        Warnings: labels that are trained on but neither validated nor tested.

    Raises:
        ManifestError: if a split is empty, or a label has no row to train on.
    """
    for number, name in enumerate(SPLITS):
        if not (split == number).any():
            raise ManifestError(
                f"No row is in the split {name!r}: {len(split)} usable rows are too few to divide, or the split column "
                "names none that can be used. Add rows, or give --split a column with train, val and test."
            )
    counts = {name: counts_of(targets[split == number], len(labels)) for number, name in enumerate(SPLITS)}
    untrained = [repr(label) for index, label in enumerate(labels) if not counts["train"][index]]
    if untrained:
        raise ManifestError(
            f"Column {column!r}: no training row has the label {_first_of(untrained)}, so it can't be learned. "
            "Move rows of it to train, or drop the label."
        )
    unseen = [
        f"{label!r} ({total} row{'s' if total > 1 else ''})"
        for index, label in enumerate(labels)
        if not (counts["val"][index] and counts["test"][index])
        for total in [sum(int(count[index]) for count in counts.values())]
    ]
    if not unseen:
        return []
    return [f"column {column!r}: too few rows to validate and test, so their figures say little: {_first_of(unseen)}"]


def _first_of(items: Sequence[str]) -> str:
    more = f" and {len(items) - _LISTED} more" if len(items) > _LISTED else ""
    return f"{', '.join(items[:_LISTED])}{more}"


def counts_of(targets: Targets, classes: int) -> NDArray[np.intp]:
    """How many rows have each label."""
    return np.bincount(targets, minlength=classes) if targets.ndim == 1 else targets.sum(axis=0)
