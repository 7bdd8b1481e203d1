"""What differs between two runs: recipe, data, figures, libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model.spec import MultiLabelHead
from training import run_contents
from training.accuracy import overlap
from training.evaluation.bootstrap import Interval, paired_accuracy
from training.numbers import METRICS
from training.predictions import GROUP
from training.recipe_difference import Pair, differing, differing_keys, flat
from training.run_contents import Contents

# Which group each row is in.
Codes = NDArray[np.intp]

NO_GROUPS = (
    "the recipe has groups, and predictions.csv of neither run says which row is in which. Each row was taken to stand "
    "for itself, so this interval is too narrow, and what it says too sure. Train either run again to know better."
)


@dataclass(frozen=True)
class Difference:
    """What differs between run a and run b.

    Args:
        recipe: for each key that differs both values; None where a recipe has no such key.
        data: digest and rows of both, as far as they differ.
        libraries: versions that differ.
        figures: for each head that both have and each metric both values with their intervals.
        gains: for each head by how much the accuracy of b is over that of a on the same test rows: a paired bootstrap.
        unpaired: for each head without that why.
        cautions: for each head whose gain is surer than it should be why.
    """

    recipe: Mapping[str, Pair]
    data: Mapping[str, Pair]
    libraries: Mapping[str, Pair]
    figures: Mapping[str, Mapping[str, Pair]]
    gains: Mapping[str, Interval]
    unpaired: Mapping[str, str]
    cautions: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "recipe": self.recipe,
            "data": self.data,
            "libraries": self.libraries,
            "figures": self.figures,
            "gains": {head: gain.as_dict() for head, gain in self.gains.items()},
            "unpaired": self.unpaired,
            "cautions": self.cautions,
        }


def difference(path_a: Path, path_b: Path) -> Difference:
    """Compares two run folders.

    Raises:
        StorageError: if one is not a run.
        SpecError: if this build can't read the recipe of one.
    """
    a, b = run_contents.read(path_a), run_contents.read(path_b)
    gains, unpaired, cautions = _gains(a, b)
    return Difference(
        recipe=differing_keys(a.recipe, b.recipe),
        data=differing(_data(a), _data(b)),
        libraries=differing(*(run.metadata.libraries if run.metadata else {} for run in (a, b))),
        figures={
            head: {
                name: (a.test[head]["metrics"].get(name), b.test[head]["metrics"].get(name))
                for name in METRICS
                if a.test[head]["metrics"].get(name) or b.test[head]["metrics"].get(name)
            }
            for head in a.test
            if head in b.test
        },
        gains=gains,
        unpaired=unpaired,
        cautions=cautions,
    )


def _data(run: Contents) -> dict[str, Any]:
    if run.metadata is None:
        return {}
    return dict(flat(run.metadata.training_data))


def _gains(a: Contents, b: Contents) -> tuple[dict[str, Interval], dict[str, str], dict[str, str]]:
    gains, unpaired, cautions = {}, {}, {}
    tables = [run_contents.predictions(run.path) for run in (a, b)]
    for name in a.recipe.spec.heads:
        if name not in b.recipe.spec.heads:
            continue
        found = _scores(tables[0], a, name), _scores(tables[1], b, name)
        if found[0] is None or found[1] is None:
            unpaired[name] = "not both runs have been tested"
        elif not found[0].rows.equals(found[1].rows):
            unpaired[name] = "they were tested on other rows, so only the intervals can be compared"
        else:
            groups = _fewest(found[0].groups, found[1].groups)
            gains[name] = paired_accuracy(found[0].scores, found[1].scores, groups=groups)
            if groups is None and (a.recipe.data.group or b.recipe.data.group):
                cautions[name] = NO_GROUPS
    return gains, unpaired, cautions


def _fewest(a: Codes | None, b: Codes | None) -> Codes | None:
    """The groups of the same rows by either run; of two groupings the coarser, as the finer is sure too soon."""
    known = [codes for codes in (a, b) if codes is not None]
    return min(known, key=lambda codes: len(np.unique(codes)), default=None)


@dataclass(frozen=True)
class _Scored:
    """Test rows of a head, sorted.

    Args:
        rows: their numbers and right labels.
        scores: float64 (rows,), from 0, wrong, to 1, right.
        groups: (rows,), equal within a group, of a row without one its own; None if they are not known.
    """

    rows: pl.DataFrame
    scores: np.ndarray
    groups: Codes | None


def _scores(table: pl.DataFrame | None, run: Contents, name: str) -> _Scored | None:
    if table is None or f"{name}.label" not in table.columns:
        return None
    head = run.recipe.spec.heads[name]
    right, predicted = table[f"{name}.label"], table[f"{name}.predicted"]
    if isinstance(head, MultiLabelHead):
        scores = overlap(_sets(head, predicted), _sets(head, right))
    else:
        scores = (right == predicted).to_numpy().astype(np.float64)
    return _Scored(table.select("row", f"{name}.label"), scores, _groups(table))


def _groups(table: pl.DataFrame) -> Codes | None:
    if GROUP not in table.columns:
        return None
    keys = table[GROUP].to_numpy()
    codes = np.unique(keys.astype(object), return_inverse=True)[1].reshape(-1)
    return np.where(keys == "", -1 - np.arange(len(keys)), codes)


def _sets(head: MultiLabelHead, cells: pl.Series) -> np.ndarray:
    """Which labels each cell has, bool (rows, classes)."""
    index = {label: number for number, label in enumerate(head.labels)}
    chosen = np.zeros((len(cells), len(index)), bool)
    for row, cell in enumerate(cells):
        chosen[row, [index[label] for label in cell.split(head.delimiter) if label in index]] = True
    return chosen
