"""From a recipe to examples: manifest, labels, splits, decoded pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.examples import Example, has_tokens
from model.spec import ImageInput, Input
from training import golden_rows, images_cache, manifest, splits
from training.manifest import BadRow, Manifest
from training.pipeline import Examples, Held, Targets
from training.progress import Reporter
from training.recipe import Recipe


@dataclass(frozen=True)
class Prepared:
    """What training needs to know of the data.

    Args:
        recipe: with the labels of its heads filled in.
        train, val, test: the examples of each split.
        golden: what the bundle takes along to be checked by; read now, for the files may be gone after training.
        bad: rows that are left out, and why.
        warnings: what the user should know of the data.
        digest: SHA-256 of the manifest.
    """

    recipe: Recipe
    train: Examples
    val: Examples
    test: Examples
    golden: list[Example]
    bad: list[BadRow]
    warnings: list[str]
    digest: str


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
    # What is wrong without looking at a picture is told before the first is decoded.
    manifest.refuse_if_too_bad(table, recipe)
    _split(table, recipe.with_labels(manifest.labels(table, recipe)))

    paths = {name: manifest.picture_paths(table, recipe, name) for name in manifest.image_inputs(recipe)}
    pictures, unusable = _decode(recipe, paths, cache_dir, reporter)
    rows = table.table["row"].to_numpy()
    usable = table.without([BadRow(int(rows[index]), reason) for index, reason in sorted(unusable.items())])
    manifest.refuse_if_too_bad(usable, recipe)

    recipe = recipe.with_labels(manifest.labels(usable, recipe))
    split, warnings = _split(usable, recipe)
    examples = _examples(usable, table, recipe, pictures)
    train, val, test = (examples.subset(split == name) for name in splits.SPLITS)
    golden = golden_rows.choose(val, paths)
    return Prepared(recipe, train, val, test, golden, usable.bad, warnings, table.digest)


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


def _examples(usable: Manifest, whole: Manifest, recipe: Recipe, pictures: dict[str, NDArray[np.uint8]]) -> Examples:
    values = {name: manifest.values(usable, column) for name, column in recipe.data.columns.items()}
    texts = {
        name: manifest.values(whole, column) for name, column in recipe.data.columns.items() if name not in pictures
    }
    rows = usable.table["row"].to_numpy()
    return Examples(
        pictures={name: Held(array) for name, array in pictures.items()},
        texts={name: Held(np.array(column, object)) for name, column in texts.items()},
        present={
            name: np.array([_is_given(recipe.spec.inputs[name], value) for value in column])
            for name, column in values.items()
        },
        targets=manifest.targets(usable, recipe),
        positions=np.searchsorted(whole.table["row"].to_numpy(), rows),
        rows=rows,
    )


def _is_given(given: Input, value: str) -> bool:
    return value != "" if isinstance(given, ImageInput) else has_tokens(given, value)


def _split(usable: Manifest, recipe: Recipe) -> tuple[NDArray[np.str_], list[str]]:
    """The split of each row, and what the user should know of it."""
    settings, targets = recipe.data.split, manifest.targets(usable, recipe)
    if settings.column is not None:
        rows = usable.table["row"].to_list()
        split = splits.by_column(manifest.values(usable, settings.column), rows, settings.column)
    else:
        groups = manifest.values(usable, recipe.data.group) if recipe.data.group else None
        split = splits.by_ratio(list(targets.values()), groups, settings)
    warnings = []
    for head, given in recipe.spec.heads.items():
        if given.last_layer_of is None:
            heads = [name for name, other in recipe.spec.heads.items() if head in (name, other.last_layer_of)]
            learned = _together([targets[name] for name in heads], len(given.labels))
            column = ", ".join(recipe.data.labels[name] for name in heads)
            warnings += splits.check(split, learned, labels=given.labels, column=column)
    return split, warnings


def _together(targets: list[Targets], classes: int) -> Targets:
    """The targets of heads with one last layer, which learns a label from any of them: one's own, or those of all."""
    if len(targets) == 1:
        return targets[0]
    return np.any([target if target.ndim == 2 else np.eye(classes, dtype=bool)[target] for target in targets], axis=0)
