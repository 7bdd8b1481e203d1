"""From a recipe to examples: manifest, labels, splits, decoded pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.examples import Example
from model.spec import TagsInput
from training import division, golden_rows, labels, manifest
from training.check import Findings, check, contents
from training.gathered import Gathered, gather
from training.manifest import BadRow, Manifest
from training.pipeline import Examples
from training.progress import Reporter
from training.recipe import Recipe
from training.splits import SPLITS


@dataclass(frozen=True)
class Prepared:
    """What training needs to know of the data.

    Args:
        recipe: with the labels of its heads filled in.
        train, val, test: the examples of each split.
        golden: what the bundle takes along to be checked by; read now, for the files may be gone after training.
        manifest: all rows, with what is wrong with the bad ones; `manifest.pictures(name)` are the files of an input.
        findings: what the check of the data found.
        contents: for each split what stands for the content of its rows, S16 (rows,); see `training.check.contents`.
    """

    recipe: Recipe
    train: Examples
    val: Examples
    test: Examples
    golden: list[Example]
    manifest: Manifest
    findings: Findings
    contents: Mapping[str, NDArray[np.bytes_]]

    @property
    def bad(self) -> list[BadRow]:
        """The rows that are left out, and why."""
        return self.manifest.bad

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the split."""
        return list(self.findings.warnings)

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest."""
        return self.manifest.digest

    @property
    def rows_digest(self) -> str:
        """SHA-256 of the numbers of the rows of each split: a training that goes on must find the same."""
        digest = hashlib.sha256()
        for examples in (self.train, self.val, self.test):
            digest.update(len(examples).to_bytes(8, "little") + examples.rows.tobytes())
        return digest.hexdigest()


def prepare(recipe: Recipe, *, cache_dir: Path, reporter: Reporter, also: Sequence[str] = ()) -> Prepared:
    """Reads, decodes and checks everything before anyone waits for an epoch.

    Args:
        recipe: as the user wrote it.
        cache_dir: where the columns and the decoded pictures are kept.
        reporter: told of the reading and decoding.
        also: further columns of the manifest, for `Prepared.manifest.column`.

    Raises:
        ManifestError: if the table, its columns, too many of its rows or its splits can't be used.
        StorageError: if the cache can't be written.
    """
    with reporter.task("Reading the table") as task:
        table = manifest.read(recipe, cache_dir=cache_dir, also=also, progress=task.update)
    # What is wrong without looking at a picture is told before the first is decoded.
    manifest.refuse_if_too_bad(table)
    labelled, split, warnings = _split(table)

    whole = gather(table, cache_dir=cache_dir, reporter=reporter)
    manifest.refuse_if_too_bad(whole.manifest)
    if len(whole.manifest.faults) > len(table.faults):
        labelled, split, warnings = _split(whole.manifest)
    examples = examples_of(whole, labelled)
    of_usable = split[whole.manifest.usable]
    train, val, test = (examples.subset(of_usable == number) for number in range(len(SPLITS)))
    golden = golden_rows.choose(val, {name: column.paths for name, column in whole.pictures.items()})
    with reporter.task("Checking"):
        keys = contents.keys(whole)
        findings = check(whole, labelled, split, warnings=warnings, keys=keys)
    by_split = {name: keys[of_usable == number] for number, name in enumerate(SPLITS)}
    return Prepared(labelled, train, val, test, golden, whole.manifest, findings, by_split)


def examples_of(whole: Gathered, recipe: Recipe) -> Examples:
    """The usable rows.

    Args:
        whole: all rows.
        recipe: with the labels of its heads.
    """
    usable = whole.manifest.usable
    return Examples(
        pictures=whole.pictures,
        texts=whole.texts,
        present={name: given[usable] for name, given in whole.present.items()},
        targets=labels.targets(whole.manifest, recipe),
        positions=usable,
        rows=(usable + 1).astype(np.uint32),
        delimiters=_delimiters(recipe),
    )


def _delimiters(recipe: Recipe) -> Mapping[str, str]:
    return {name: given.delimiter for name, given in recipe.spec.inputs.items() if isinstance(given, TagsInput)}


def _split(table: Manifest) -> tuple[Recipe, NDArray[np.int8], list[str]]:
    """The recipe with its labels, the split of each row, and what the user should know of it."""
    recipe = table.recipe.with_labels(labels.labels_of(table))
    split = division.divide(table, recipe)
    return recipe, split, division.check(table, recipe, split)
