"""The split of every row of a manifest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training import labels, splits
from training.manifest import Manifest, group_codes
from training.pipeline import Targets
from training.recipe import Recipe


def divide(manifest: Manifest, recipe: Recipe) -> NDArray[np.int8]:
    """The split of every row, as the recipe says.

    One that is made is made of all rows: whether a row can be used moves no other one. Only where a label would have
    no usable row to train on, one more is trained on.

    Args:
        manifest: the rows.
        recipe: with the labels of its heads.

    Returns:
        int8 (rows,), indices of `training.splits.SPLITS`; -1 at a row that can't be used and whose cell names none.

    Raises:
        ManifestError: if the column of a usable row names none.
    """
    settings = recipe.data.split
    if settings.column is None:
        groups = group_codes(manifest)
        split = splits.by_ratio(*labels.combinations(manifest), groups, settings)
        return splits.rescued(split, list(labels.targets(manifest, recipe).values()), manifest.usable, groups)
    cells = manifest.column(settings.column)
    codes, first = np.unique(cells.codes[manifest.usable], return_index=True)
    of_code = np.full(len(cells.values), -1, np.int8)
    rows = (manifest.usable[first] + 1).tolist()
    of_code[codes] = splits.by_column([cells.values[code] for code in codes.tolist()], rows, settings.column)
    return of_code[cells.codes]


def check(manifest: Manifest, recipe: Recipe, split: NDArray[np.int8]) -> list[str]:
    """Looks whether one can train on the usable rows of a split.

    Returns:
        What the user should know of it.

    Raises:
        ManifestError: if a split is empty, or a label has no row to train on.
    """
    targets, of_usable, warnings = labels.targets(manifest, recipe), split[manifest.usable], []
    for head, given in recipe.spec.heads.items():
        if given.last_layer_of is None:
            heads = [name for name, other in recipe.spec.heads.items() if head in (name, other.last_layer_of)]
            learned = _together([targets[name] for name in heads], len(given.labels))
            column = ", ".join(recipe.data.labels[name] for name in heads)
            warnings += splits.check(of_usable, learned, labels=given.labels, column=column)
    return warnings


def _together(targets: list[Targets], classes: int) -> Targets:
    """The targets of heads with one last layer, which learns a label from any of them: one's own, or those of all."""
    if len(targets) == 1:
        return targets[0]
    return np.any([target if target.ndim == 2 else np.eye(classes, dtype=bool)[target] for target in targets], axis=0)
