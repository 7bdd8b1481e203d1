"""The rows of a manifest that a model is measured on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError
from model.spec import Head, MultiLabelHead
from training import division, manifest
from training.check import contents
from training.gathered import gather
from training.manifest import BadRow, Manifest
from training.manifests.opening import open_source
from training.manifests.table import Encoded
from training.pipeline import Examples
from training.prepare import examples_of
from training.progress import Reporter
from training.recipe import Recipe
from training.splits import SPLITS

Split = Literal["train", "val", "test", "all"]


@dataclass(frozen=True)
class Wanted:
    """Which rows, and what is to be known of them.

    Args:
        trained_on: SHA-256 of the manifest that the model was trained on, of which only the test split was not used.
        split: the rows; None takes the test split of the manifest that the model was trained on, all rows of another.
        slices: columns whose values are wanted.
        skip_unknown_labels: leave out rows with a label that the model does not know; of a multi-label head the label.
    """

    trained_on: str | None = None
    split: Split | None = None
    slices: Sequence[str] = ()
    skip_unknown_labels: bool = False


@dataclass(frozen=True)
class Rows:
    """Rows as a model takes them.

    Args:
        examples: the rows.
        split: of the manifest, or `all`.
        slices: for each column wanted its values in these rows.
        groups: (rows,), equal within a group; None without groups.
        group_keys: (rows,) of str, what stands in the column of groups; None without groups.
        bad: rows of the manifest that can't be used.
        unknown: for each head how many rows have which label that the model does not know.
        contents: what stands for the content of each row, S16 (rows,); see `training.check.contents`.
    """

    examples: Examples
    split: Split
    slices: Mapping[str, Encoded]
    groups: NDArray[np.intp] | None
    group_keys: NDArray[np.object_] | None
    bad: list[BadRow]
    unknown: Mapping[str, Mapping[str, int]]
    contents: NDArray[np.bytes_]


def read(recipe: Recipe, wanted: Wanted, *, cache_dir: Path, reporter: Reporter) -> Rows:
    """Reads a manifest, decodes its pictures and takes the rows that are wanted.

    Args:
        recipe: names manifest and columns; its spec has the labels of the model.
        wanted: which rows.
        cache_dir: where columns and decoded pictures are kept.
        reporter: told how it goes.

    Raises:
        ManifestError: if the table can't be used, has labels that the model does not know, or no row that is wanted.
        StorageError: if the cache can't be written.
    """
    recipe = _of_columns(recipe, wanted)
    with reporter.task("Reading the table") as task:
        table = manifest.read(recipe, cache_dir=cache_dir, also=wanted.slices, progress=task.update)
    manifest.refuse_if_too_bad(table)
    unknown, without_label = unknown_labels(table)
    if not wanted.skip_unknown_labels:
        _refuse(unknown, recipe)
    split = wanted.split or ("test" if table.digest == wanted.trained_on else "all")

    whole = gather(table, cache_dir=cache_dir, reporter=reporter)
    manifest.refuse_if_too_bad(whole.manifest)
    bad = whole.manifest.bad
    whole = replace(whole, manifest=whole.manifest.without(without_label))
    examples, keys = examples_of(whole, recipe), contents.keys(whole)
    if split != "all":
        of_rows = division.divide(whole.manifest, recipe)[whole.manifest.usable]
        chosen = of_rows == SPLITS.index(split)
        examples, keys = examples.subset(chosen), keys[chosen]
    if not len(examples):
        which = "No row" if split == "all" else f"No row of the split {split!r}"
        raise ManifestError(f"{which} of {recipe.data.manifest.name} is left to measure the model on.")
    columns = {name: whole.manifest.column(name) for name in wanted.slices}
    return Rows(
        examples=examples,
        split=split,
        slices={name: Encoded(one.codes[examples.positions], one.values) for name, one in columns.items()},
        groups=groups_of(whole.manifest, examples),
        group_keys=manifest.group_keys(whole.manifest, examples.positions),
        bad=bad,
        unknown=unknown,
        contents=keys,
    )


def groups_of(table: Manifest, examples: Examples) -> NDArray[np.intp] | None:
    """The groups of some rows, (rows,), a row without one in a group of its own; None if the recipe names none.

    Args:
        table: of the manifest that they are from.
        examples: the rows.
    """
    codes = manifest.group_codes(table)
    if codes is None:
        return None
    own = codes[examples.positions].astype(np.intp)
    return np.where(own < 0, -1 - np.arange(len(own)), own)


def unknown_labels(table: Manifest) -> tuple[dict[str, dict[str, int]], dict[int, str]]:
    """Labels in the usable rows that the model does not know.

    Returns:
        For each head that has such how many rows have which; and the rows that are left without a label by that, with
        the reason by position.
    """
    unknown: dict[str, dict[str, int]] = {}
    without_label: dict[int, str] = {}
    for name in table.recipe.data.labels:
        head, cells = table.recipe.spec.heads[name], table.label_cells(name)
        codes = cells.codes[table.usable]
        counts: Counter[str] = Counter()
        for code, times in zip(*(part.tolist() for part in np.unique(codes, return_counts=True)), strict=True):
            cell = cells.values[code]
            labels = _labels(head, cell)
            strange = [label for label in labels if label not in head.labels]
            counts.update(dict.fromkeys(strange, times))
            if strange and not isinstance(head, MultiLabelHead):
                rows = table.usable[codes == code].tolist()
                without_label |= dict.fromkeys(rows, f"the model has no label {cell!r}")
        if counts:
            unknown[name] = dict(counts.most_common())
    return unknown, without_label


def _labels(head: Head, cell: str) -> list[str]:
    if not isinstance(head, MultiLabelHead):
        return [cell]
    return [label for label in map(str.strip, cell.split(head.delimiter)) if label]


def _of_columns(recipe: Recipe, wanted: Wanted) -> Recipe:
    """Without the columns of groups and split, where another manifest has none and they can be done without."""
    given = open_source(recipe.data.manifest).columns
    data = recipe.data
    changes: dict[str, object] = {}
    if data.group is not None and data.group not in given:
        changes["group"] = None
    if data.split.column is not None and data.split.column not in given and wanted.split in (None, "all"):
        changes["split"] = data.split.model_copy(update={"column": None})
    return recipe.model_copy(update={"data": data.model_copy(update=changes)})


def _refuse(unknown: Mapping[str, Mapping[str, int]], recipe: Recipe) -> None:
    for head, counts in unknown.items():
        told = ", ".join(
            f"{label!r} ({rows} row{'s' if rows > 1 else ''})" for label, rows in list(counts.items())[:10]
        )
        more = f" and {len(counts) - 10} more" if len(counts) > 10 else ""
        raise ManifestError(
            f"Column {recipe.data.labels[head]!r} has labels that the head {head!r} of the model does not know: "
            f"{told}{more}. Leave them out with --skip-unknown-labels, or train on them: bifocal-training fit --from."
        )
