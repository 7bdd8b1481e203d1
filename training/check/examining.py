"""The check of a manifest by itself, without a training after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model.errors import ManifestError
from training import division, labels, manifest
from training.check.checking import check
from training.check.findings import Findings
from training.gathered import gather
from training.progress import Reporter
from training.recipe import Recipe


def examine(recipe: Recipe, *, cache_dir: Path, reporter: Reporter) -> Findings:
    """Reads and decodes everything, and goes on where a training would refuse to start, to tell all at once.

    Args:
        recipe: names the columns.
        cache_dir: where columns and decoded pictures are kept; a training with the same one does not decode them again.
        reporter: told of the progress.

    Raises:
        ManifestError: if the table can't be read, or lacks a column.
        StorageError: if the cache can't be written.
    """
    with reporter.task("Reading the table") as task:
        table = manifest.read(recipe, cache_dir=cache_dir, progress=task.update)
    whole = gather(table, cache_dir=cache_dir, reporter=reporter)
    column, warnings, refusals = recipe.data.split.column, list[str](), list[str]()
    split = np.full(table.num_rows, -1, np.int8) if column is None else division.named(table, column)
    try:
        recipe = recipe.with_labels(labels.labels_of(whole.manifest))
        split = division.divide(whole.manifest, recipe)
        warnings = division.check(whole.manifest, recipe, split)
    except ManifestError as error:
        # Without a usable row all else follows from why they can't be used.
        refusals = [str(error)] if len(whole.manifest.usable) or recipe.data.max_bad == 1 else []
    with reporter.task("Checking"):
        return check(whole, recipe, split, warnings=warnings, refusals=refusals)
