"""Which rows train, which choose the epoch, and which are looked at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError
from training.pipeline import Targets
from training.recipe import SplitSettings

SPLITS = ("train", "val", "test")
_SPELLINGS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
}


def by_column(values: Sequence[str], rows: Sequence[int], column: str) -> NDArray[np.str_]:
    """The splits that a manifest column gives.

    Args:
        values: the column, one a row.
        rows: manifest row numbers, for the error.
        column: its name, for the error.

    Returns:
        `train`, `val` or `test`, one a row.

    Raises:
        ManifestError: at the first value that is none of these.
    """
    for row, value in zip(rows, values, strict=True):
        if value.lower() not in _SPELLINGS:
            raise ManifestError(
                f"Row {row}: column {column!r} says {value!r}; expected one of {', '.join(sorted(_SPELLINGS))}."
            )
    return np.array([_SPELLINGS[value.lower()] for value in values])


def by_ratio(targets: Sequence[Targets], groups: Sequence[str] | None, settings: SplitSettings) -> NDArray[np.str_]:
    """Makes a split: stratified by the labels of all heads, groups whole, the same for the same seed.

    Groups are dealt one at a time, in random order but larger ones first, each to the split that lacks most of what
    the group holds, and among equals to the one that lacks most rows; so every split comes close to its share of every
    label, as in iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011).

    Args:
        targets: for each head int32 (rows,), class indices, or bool (rows, classes) if a row may have several.
        groups: one a row; empty strings and None make a row a group of its own.
        settings: the shares and the seed.

    Returns:
        `train`, `val` or `test`, one a row. A label with fewer than three groups is in train first of all.
    """
    shares = np.array([1 - settings.validation - settings.test, settings.validation, settings.test])
    codes, start = _codes(targets)
    members = _members(len(start) - 1, groups)
    random = np.random.default_rng(settings.seed)
    random.shuffle(members)
    members.sort(key=len, reverse=True)

    totals = np.bincount(codes)  # (C,)
    wanted = np.outer(shares, totals)  # (3, C) rows of each label that each split still lacks
    held = np.zeros((3, len(totals)), int)
    result = np.empty(len(start) - 1, "<U5")
    wanted_rows = shares * len(result)
    for rows in members:
        own = np.concatenate([codes[start[row] : start[row + 1]] for row in rows])
        classes, counts = np.unique(own, return_counts=True)
        if (held[0, classes] == 0).any():
            split = 0  # a label that is nowhere yet must be trained on
        else:
            lack = (wanted[:, classes] * counts / totals[classes]).sum(axis=1)
            # Where every label has few rows, equals are common, and always the first of them would leave none for test.
            split = int(np.argmax(np.where(np.isclose(lack, lack.max()), wanted_rows, -np.inf)))
        result[rows] = SPLITS[split]
        wanted_rows[split] -= len(rows)
        wanted[split, classes] -= counts
        held[split, classes] += counts
    return result


def check(split: NDArray[np.str_], targets: Targets, *, labels: Sequence[str], column: str) -> list[str]:
    """Looks whether one can train on a split.

    Args:
        split: `train`, `val` or `test`, one a row.
        targets: int32 (rows,), class indices, or bool (rows, classes).
        labels: the classes.
        column: of the labels, for the messages.

    Returns:
        Warnings: labels that are trained on but neither validated nor tested.

    Raises:
        ManifestError: if a split is empty, or a label has no row to train on.
    """
    for name in SPLITS:
        if not (split == name).any():
            raise ManifestError(
                f"No row is in the split {name!r}: {len(split)} usable rows are too few to divide, or the split column "
                "leaves it out. Add rows, or give --split a column with train, val and test."
            )
    counts = {name: _counts(targets[split == name], len(labels)) for name in SPLITS}
    untrained = [label for index, label in enumerate(labels) if not counts["train"][index]]
    if untrained:
        raise ManifestError(
            f"Column {column!r}: no training row has the label {', '.join(map(repr, untrained))}, so it can't be "
            "learned. Move rows of it to train, or drop the label."
        )
    unseen = [
        f"{label!r} ({total} row{'s' if total > 1 else ''})"
        for index, label in enumerate(labels)
        if not (counts["val"][index] and counts["test"][index])
        for total in [sum(int(count[index]) for count in counts.values())]
    ]
    if not unseen:
        return []
    return [f"column {column!r}: too few rows to validate and test, so their figures say little: {', '.join(unseen)}"]


def _counts(targets: Targets, classes: int) -> NDArray[np.intp]:
    return np.bincount(targets, minlength=classes) if targets.ndim == 1 else targets.sum(axis=0)


def _codes(targets: Sequence[Targets]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every row's labels as codes, counted on from head to head; to have no label of a head is a code too.

    Returns:
        The codes of all rows, row after row: (labels,); and where each row starts: (rows + 1,).
    """
    rows, codes, offset = [], [], 0
    for target in targets:
        if target.ndim == 1:
            row, code = np.arange(len(target)), target
        else:
            row, code = np.nonzero(np.column_stack([target, ~target.any(axis=1)]))
        rows.append(row)
        codes.append(code + offset)
        offset += int(code.max()) + 1
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    start = np.searchsorted(row[order], np.arange(len(targets[0]) + 1))
    return np.concatenate(codes)[order], start


def _members(num_rows: int, groups: Sequence[str] | None) -> list[NDArray[np.intp]]:
    """The rows of each group."""
    if groups is None:
        return [np.array([row]) for row in range(num_rows)]
    by_group: dict[str | int, list[int]] = {}
    for row, group in enumerate(groups):
        by_group.setdefault(group or row, []).append(row)
    return [np.array(rows) for rows in by_group.values()]
