"""Labels whose training rows can't be used: another row of theirs is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from training.pipeline import Targets


def rescued(
    split: NDArray[np.int8], targets: Sequence[Targets], usable: NDArray[np.intp], groups: NDArray[np.integer] | None
) -> NDArray[np.int8]:
    """A made split in which every label has a usable row to train on.

    A usable row moves to train, and its group with it, if no usable row before it that has one of its labels is in
    train. Nothing after a row has a say in that, so rows that are appended leave it where it is. For the same reason a
    row stays whose group has usable rows before it; only a label that has none but such rows moves the first of them.

    Args:
        split: int8 (rows,), of all rows.
        targets: for each head, int32 (usable,) or bool (usable, classes).
        usable: positions of the rows that can be used.
        groups: integers (rows,), as of `training.splits.by_ratio`.
    """
    split = split.copy()
    trained: set[tuple[int, int]] = set()
    for row, labels in sorted(_early(split, targets, usable).items()):
        members = _group(row, groups)
        if split[row] and not trained.issuperset(labels) and not np.isin(members[members < row], usable).any():
            split[members] = 0
        if not split[row]:
            trained.update(labels)
    for target in targets:
        for _, rows in _by_label(target, usable):
            if split[rows].all():
                split[_group(int(rows[0]), groups)] = 0
    return split


def _early(
    split: NDArray[np.int8], targets: Sequence[Targets], usable: NDArray[np.intp]
) -> dict[int, list[tuple[int, int]]]:
    """The usable rows that come before the first training row of a label that they have: by position these labels,
    each with the number of its head."""
    found: dict[int, list[tuple[int, int]]] = {}
    for head, target in enumerate(targets):
        for label, rows in _by_label(target, usable):
            of_train = split[rows] == 0
            for row in rows[: int(np.argmax(of_train)) if of_train.any() else len(rows)].tolist():
                found.setdefault(row, []).append((head, label))
    return found


def _by_label(target: Targets, usable: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """The positions of the rows of each label that has any, in order."""
    if target.ndim == 2:
        yield from ((label, usable[column]) for label, column in enumerate(target.T) if column.any())
        return
    order = np.argsort(target, kind="stable")
    labels, begins = np.unique(target[order], return_index=True)
    for label, rows in zip(labels.tolist(), np.split(usable[order], begins[1:]), strict=False):
        if label >= 0:
            yield label, rows


def _group(row: int, groups: NDArray[np.integer] | None) -> NDArray[np.intp]:
    """The positions of a row and of all others of its group."""
    return np.array([row]) if groups is None or groups[row] < 0 else np.flatnonzero(groups == groups[row])
