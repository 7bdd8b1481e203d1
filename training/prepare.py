"""From a recipe to examples: manifest, labels, splits, decoded pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training import images_cache, manifest, splits
from training.manifest import BadRow, Manifest
from training.pipeline import Examples
from training.progress import Reporter
from training.recipe import Recipe


@dataclass(frozen=True)
class Prepared:
    """What training needs to know of the data.

    Args:
        recipe: with the labels of its heads filled in.
        train, val, test: the examples of each split.
        bad: rows that are left out, and why.
        warnings: what the user should know of the data.
        digest: SHA-256 of the manifest.
        paths: for each image input the file of each manifest row, by row number; None where absent.
    """

    recipe: Recipe
    train: Examples
    val: Examples
    test: Examples
    bad: list[BadRow]
    warnings: list[str]
    digest: str
    paths: dict[str, dict[int, Path | None]]


def prepare(recipe: Recipe, *, cache_dir: Path, reporter: Reporter) -> Prepared:
    """Reads, checks and decodes everything before anyone waits for an epoch.

    Args:
        recipe: as the user wrote it.
        cache_dir: where decoded pictures are kept.
        reporter: told of the decoding.

    Raises:
        ManifestError: if the table, its columns, too many of its rows or its splits can't be used.
        StorageError: if the cache can't be written.
    """
    table = manifest.read(recipe)
    paths = {name: manifest.picture_paths(table, recipe, name) for name in manifest.image_inputs(recipe)}
    pictures, unusable = _decode(recipe, paths, cache_dir, reporter)
    rows = table.table["row"].to_numpy()
    usable = table.without([BadRow(int(rows[index]), reason) for index, reason in sorted(unusable.items())])
    manifest.refuse_if_too_bad(usable, recipe)

    recipe = recipe.with_labels(manifest.labels(usable, recipe))
    examples = _examples(usable, recipe, pictures, rows)
    split = _split(usable, recipe, examples)
    warnings = [
        line
        for head, column in recipe.data.labels.items()
        for line in splits.check(split, examples.targets[head], recipe.spec.heads[head].labels, column)
    ]
    by_row = {name: dict(zip(rows.tolist(), files, strict=True)) for name, files in paths.items()}
    train, val, test = (examples.subset(split == name) for name in splits.SPLITS)
    return Prepared(recipe, train, val, test, usable.bad, warnings, table.digest, by_row)


def _decode(
    recipe: Recipe, paths: dict[str, list[Path | None]], cache_dir: Path, reporter: Reporter
) -> tuple[dict[str, NDArray[np.uint8]], dict[int, str]]:
    """The pictures of each image input, and the reason for each index whose picture is unusable."""
    pictures: dict[str, NDArray[np.uint8]] = {}
    unusable: dict[int, str] = {}
    for name, image in manifest.image_inputs(recipe).items():
        with reporter.task(f"Decoding {name}") as task:
            pictures[name], bad = images_cache.decoded(
                paths[name],
                image,
                directory=cache_dir,
                max_pixels=recipe.data.max_pixels,
                progress=task.update,
            )
        unusable |= bad
    return pictures, unusable


def _examples(
    usable: Manifest, recipe: Recipe, pictures: dict[str, NDArray[np.uint8]], decoded_rows: NDArray[np.uint32]
) -> Examples:
    values = {name: manifest.values(usable, column) for name, column in recipe.data.columns.items()}
    rows = usable.table["row"].to_numpy()
    return Examples(
        pictures=pictures,
        texts={name: np.array(texts, object) for name, texts in values.items() if name not in pictures},
        present={name: np.array([value != "" for value in column]) for name, column in values.items()},
        targets=manifest.targets(usable, recipe),
        cached=np.searchsorted(decoded_rows, rows),
        rows=rows,
    )


def _split(usable: Manifest, recipe: Recipe, examples: Examples) -> NDArray[np.str_]:
    settings = recipe.data.split
    if settings.column is not None:
        return splits.by_column(manifest.values(usable, settings.column), examples.rows.tolist(), settings.column)
    groups = manifest.values(usable, recipe.data.group) if recipe.data.group else None
    first_head = next(iter(recipe.spec.heads))
    return splits.by_ratio(examples.targets[first_head], groups, settings)
