"""The labels of a manifest's rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError
from model.spec import MultiLabelHead
from training.manifest import Manifest
from training.pipeline import Targets
from training.recipe import Recipe
from training.splits import Combination


def labels_of(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """The labels of each head: those of the recipe, or if it lists none those of the usable rows, sorted.

    Heads with one last layer have the labels of all their columns.

    Raises:
        ManifestError: if a label column has only one, or one that the recipe does not list.
    """
    found, recipe = {}, manifest.recipe
    for head, column in recipe.data.labels.items():
        spec = recipe.spec.heads[head]
        layer = spec.last_layer_of or head
        shared = [other for other, given in recipe.spec.heads.items() if layer in (other, given.last_layer_of)]
        names = sorted({name for other in shared for name in _names(manifest, other)})
        least = 1 if isinstance(spec, MultiLabelHead) else 2
        if len(names) < least:
            raise ManifestError(
                f"Column {column!r} has {len(names)} label{'s' if not names else ''}; expected at least {least}"
                f"{' to tell apart' if least > 1 else ''}. Received: {names}."
            )
        listed = spec.labels
        unlisted = [name for name in names if name not in listed]
        if listed and unlisted:
            raise ManifestError(
                f"Column {column!r} has labels that spec.heads.{head}.labels does not list: "
                f"{', '.join(map(repr, unlisted))}. Add them there, or leave 'labels' out to take them from the column."
            )
        found[head] = listed or tuple(names)
    return found


def targets(manifest: Manifest, recipe: Recipe) -> dict[str, Targets]:
    """For each head the index of each usable row's label, int32 (usable,), or which labels it has, bool
    (usable, classes).

    Args:
        manifest: with the rows.
        recipe: its spec has the labels.
    """
    found: dict[str, Targets] = {}
    for head in recipe.data.labels:
        spec, cells = recipe.spec.heads[head], manifest.label_cells(head)
        codes = cells.codes[manifest.usable]
        index = {label: number for number, label in enumerate(spec.labels)}
        if isinstance(spec, MultiLabelHead):
            # Straight into the result: a table (values, classes) would take as much again where few cells are the same.
            found[head] = chosen = np.zeros((len(codes), len(index)), bool)
            ends = np.cumsum(np.bincount(codes, minlength=len(cells.values)))
            of_values = np.split(np.argsort(codes, kind="stable"), ends[:-1])
            for cell, rows in zip(cells.values, of_values, strict=True):
                chosen[rows[:, None], [index[label] for label in _split(spec, cell) if label in index]] = True
        else:
            found[head] = np.array([index.get(cell, -1) for cell in cells.values], np.int32)[codes]
    return found


def combinations(manifest: Manifest) -> tuple[NDArray[np.intp], list[Combination]]:
    """The labels of every row, bad ones too, over all heads.

    Returns:
        Which combination each row has, intp (rows,); and the combinations, for each head the labels.
    """
    heads = manifest.recipe.spec.heads
    cells = [(heads[head], manifest.label_cells(head)) for head in manifest.recipe.data.labels]
    rows, codes = np.unique(np.stack([encoded.codes for _, encoded in cells]), axis=1, return_inverse=True)
    made = [
        tuple(tuple(_labels(spec, encoded.values[code])) for (spec, encoded), code in zip(cells, column, strict=True))
        for column in rows.T.tolist()
    ]
    return codes.reshape(-1), made


def _names(manifest: Manifest, head: str) -> set[str]:
    """The labels in a head's column."""
    spec, cells = manifest.recipe.spec.heads[head], manifest.label_cells(head)
    return {
        label
        for code in np.unique(cells.codes[manifest.usable]).tolist()
        for label in _labels(spec, cells.values[code])
    }


def _labels(head: object, cell: str) -> list[str]:
    return _split(head, cell) if isinstance(head, MultiLabelHead) else [cell]


def _split(head: MultiLabelHead, cell: str) -> list[str]:
    return [label for label in map(str.strip, cell.split(head.delimiter)) if label]
