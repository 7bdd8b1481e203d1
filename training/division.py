"""The split of every row of a manifest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError
from model.spec import MultiLabelHead
from training import labels, splits
from training.manifest import Manifest, group_codes
from training.pipeline import Targets
from training.recipe import Recipe, SplitSettings
from training.rescue import rescued
from training.splits import SPLITS

# What joins several labels in one cell, and how many labels must look so before anything is said.
JOINED_BY = ("|", ";", ",")
_FEWEST_JOINED = 3


def divide(manifest: Manifest, recipe: Recipe) -> NDArray[np.int8]:
    """The split of every row, as the recipe says.

    One that is made is made of all rows: whether a row can be used moves no other one. Only where a label would have
    no usable row to train on, one more is trained on. If a column names no row for validation or none for test, that
    split is made of the training rows, in the same way.

    Args:
        manifest: the rows.
        recipe: with the labels of its heads.

    Returns:
        int8 (rows,), indices of `training.splits.SPLITS`; -1 at a row that can't be used and whose cell names none.

    Raises:
        ManifestError: if the column of a usable row names none.
    """
    column = recipe.data.split.column
    if column is None:
        return _made(manifest, recipe, np.arange(manifest.num_rows), range(len(SPLITS)))
    cells = manifest.column(column)
    codes, first = np.unique(cells.codes[manifest.usable], return_index=True)
    rows = (manifest.usable[first] + 1).tolist()
    splits.by_column([cells.values[code] for code in codes.tolist()], rows, column)
    split = named(manifest, column)
    missing, trained = _missing(split), np.flatnonzero(split == 0)
    if missing and len(trained):
        split[trained] = _made(manifest, recipe, trained, [0, *missing])
    return split


def named(manifest: Manifest, column: str) -> NDArray[np.int8]:
    """The split that a column names for each row, int8 (rows,), an index of `SPLITS`; -1 where it names none."""
    cells = manifest.column(column)
    return np.array([splits.named(value) for value in cells.values], np.int8)[cells.codes]


def check(manifest: Manifest, recipe: Recipe, split: NDArray[np.int8]) -> list[str]:
    """Looks whether one can train on the usable rows of a split.

    Returns:
        What the user should know of it.

    Raises:
        ManifestError: if a split is empty, or a label has no row to train on.
    """
    targets, of_usable, warnings = labels.targets(manifest, recipe), split[manifest.usable], list[str]()
    for head, given in recipe.spec.heads.items():
        if given.last_layer_of is None:
            heads = [name for name, other in recipe.spec.heads.items() if head in (name, other.last_layer_of)]
            learned = _together([targets[name] for name in heads], len(given.labels))
            column = ", ".join(recipe.data.labels[name] for name in heads)
            joined = [] if isinstance(given, MultiLabelHead) else _joined_labels(given.labels, column)
            try:
                warnings += splits.check(of_usable, learned, labels=given.labels, column=column)
            except ManifestError as error:
                hints = [f"{line[0].upper()}{line[1:]}." for line in joined]
                raise ManifestError(" ".join([str(error), *hints])) from None
            warnings += joined
    return [*_taken(manifest, recipe.data.split, of_usable), *warnings]


def _joined_labels(names: Sequence[str], column: str) -> list[str]:
    """A warning if labels seem to be several in a row, each combination of which would be learned as one of its own."""
    for delimiter in JOINED_BY:
        joined = [name for name in names if delimiter in name]
        parts = {part.strip() for name in names for part in name.split(delimiter)}
        if len(joined) >= _FEWEST_JOINED and len(parts) < len(names):
            return [
                f"the {len(names)} labels of column {column!r} look like several a row, joined by {delimiter!r}: one "
                f"by one they are {len(parts)}. To train them so, write a recipe (bifocal-training init) with kind: "
                f"multi_label and delimiter: {delimiter!r} for the head"
            ]
    return []


def _taken(manifest: Manifest, settings: SplitSettings, split: NDArray[np.int8]) -> list[str]:
    """The splits that a column names no row for, and that are made of its training rows."""
    if settings.column is None:
        return []
    shares = {"val": ("validation", settings.validation), "test": ("test", settings.test)}
    lines = []
    for number in _missing(named(manifest, settings.column)):
        name = SPLITS[number]
        key, share = shares[name]
        lines.append(
            f"column {settings.column!r} names no row for {name}: {(split == number).sum():,} of its training rows are "
            f"taken for it, stratified by the labels (data.split.{key}: {share:g})"
        )
    return lines


def _missing(split: NDArray[np.int8]) -> list[int]:
    """Of validation and test those that no row is named for."""
    return [number for number in (1, 2) if not (split == number).any()]


def _made(manifest: Manifest, recipe: Recipe, rows: NDArray[np.intp], among: Sequence[int]) -> NDArray[np.int8]:
    """Some rows, divided.

    Args:
        manifest: all rows.
        recipe: with the labels of its heads.
        rows: positions, sorted.
        among: the splits they come to.
    """
    codes, combinations = labels.combinations(manifest)
    groups = group_codes(manifest)
    groups = None if groups is None else groups[rows]
    split = splits.by_ratio(codes[rows], combinations, groups, recipe.data.split, among)
    usable = manifest.usable
    chosen = np.isin(usable, rows)
    targets = [target[chosen] for target in labels.targets(manifest, recipe).values()]
    return rescued(split, targets, np.searchsorted(rows, usable[chosen]), groups)


def _together(targets: list[Targets], classes: int) -> Targets:
    """The targets of heads with one last layer, which learns a label from any of them: one's own, or those of all."""
    if len(targets) == 1:
        return targets[0]
    return np.any([target if target.ndim == 2 else np.eye(classes, dtype=bool)[target] for target in targets], axis=0)
