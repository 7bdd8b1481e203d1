"""The commented recipe."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import indent, wrap
from typing import Any

import yaml

from model.errors import ManifestError
from training import default_model, recipe_columns
from training.drafting.profile import Profile, profiles
from training.drafting.roles import Role, roles
from training.manifests.opening import open_source
from training.recipe import Recipe
from training.splits import named

WIDTH = 116


def draft(
    manifest: Path,
    *,
    name: str,
    folder: Path,
    label: str | None,
    image_root: Path | None = None,
    progress: Callable[[int, int], None],
) -> tuple[str, list[Role]]:
    """A recipe for a manifest, with what speaks for each key in comments.

    Args:
        manifest: the table or folder.
        name: of the model.
        folder: where the recipe will lie.
        label: the column to predict; None leaves it to be guessed.
        image_root: the folder that picture paths are relative to; None is the manifest's.
        progress: called with how much is read.

    Returns:
        YAML, and what each column was taken for.

    Raises:
        ManifestError: if it can't be read, or has no column to predict or none to predict from, or if there is no such
            folder of pictures.
        SpecError: if the name can't be one.
    """
    if image_root is not None and not image_root.is_dir():
        raise ManifestError(f"--image-root {image_root}: there is no such folder.")
    source = open_source(manifest)
    if hint := source.other_separator():
        raise ManifestError(f"{manifest.name} has one column, {source.columns[0]!r}.{hint}")
    table = profiles(source, progress)
    if not table or not table[0].rows:
        raise ManifestError(f"{manifest.name} has no rows.")
    names = [profile.name for profile in table]
    if label is not None and label not in names:
        raise ManifestError(f"{manifest.name} has no column {label!r}. It has: {', '.join(names)}.")
    found = roles(table, image_root or (manifest if manifest.is_dir() else manifest.parent), label)
    listing = "\n".join(f"  {role.column}: {role.kind or 'not used'} ({role.why})" for role in found)
    if not any(role.kind == "label" for role in found):
        raise ManifestError(
            f"No column of {manifest.name} looks like a label: few values that come again and again. Name it with "
            f"--label COLUMN. The columns:\n{listing}"
        )
    if not any(role.kind in ("image", "text", "tags") for role in found):
        raise ManifestError(f"No column of {manifest.name} looks like a picture, a text or tags:\n{listing}")
    paths = {
        key: os.path.relpath(path.absolute(), folder.absolute())
        for key, path in {"manifest": manifest, "image_root": image_root}.items()
        if path is not None
    }
    text = "\n".join(_lines(found, name, paths, table)) + "\n"
    Recipe.parse(yaml.safe_load(text), what="drafted recipe")
    return text, found


def _lines(found: list[Role], name: str, paths: Mapping[str, str], table: Sequence[Profile]) -> Iterator[str]:
    kinds = {kind: [role for role in found if role.kind == kind] for kind in ("image", "text", "tags", "label")}
    inputs = recipe_columns.inputs_of({kind: _items(kinds[kind]) for kind in ("image", "text", "tags")})
    heads = recipe_columns.heads_of(
        [f"label={one.column}" if "=" in one.column else one.column for one in kinds["label"]], inputs
    )
    by_column = {role.column: role for role in found}
    yield from _comment(
        f"Drafted from {paths['manifest']}: {table[0].rows:,} rows, {len(found)} columns. The comments say what each "
        "choice was made by; change what is wrong. Every key is explained in docs/recipe.md."
    )
    yield f"name: {_scalar(name)}"
    yield "data:"
    for key, path in paths.items():
        yield f"  {key}: {_scalar(path)}"
    yield "  columns:"
    for input_name, (_, column) in inputs.items():
        yield from _comment(by_column[column].why, 4)
        yield f"    {input_name}: {_scalar(column)}"
    yield "  labels:"
    for head, column in heads.items():
        yield from _comment(by_column[column].why, 4)
        yield f"    {head}: {_scalar(column)}"
    yield from _group_and_split(found, table)
    yield from _unused(found)
    yield from _comment("Share of rows that may be unusable; with more, training refuses to start.", 2)
    yield "  max_bad: 0.01"
    spec = default_model.default_spec(
        {name: _with_delimiter(kind, by_column[column]) for name, (kind, column) in inputs.items()},
        {
            head: _with_delimiter("multi_label" if by_column[column].delimiter else "single_label", by_column[column])
            for head, column in heads.items()
        },
    )
    yield ""
    yield from _comment("The default layers, merged; what else there is: docs/recipe.md, spec.")
    yield _yaml({"spec": spec})
    if default_model.TRAINING:
        yield _yaml({"training": dict(default_model.TRAINING)})


def _items(found: list[Role]) -> list[str]:
    """The columns as names are made of them; one that none can be made of is called by its number."""
    if len(found) == 1 and "=" not in found[0].column:
        return [found[0].column]
    items: list[str] = []
    for number, column in enumerate((role.column for role in found), 1):
        is_usual = column.isascii() and "=" not in column
        is_first = column.lower() not in [item.lower() for item in items]
        items.append(column if is_usual and is_first else f"{found[0].kind}_{number}={column}")
    return items


def _group_and_split(found: list[Role], table: Sequence[Profile]) -> Iterator[str]:
    split = next((role for role in found if role.kind == "split"), None)
    group = next((role for role in found if role.kind == "group"), None)
    if group is not None:
        says = (
            "; they stay in one split"
            if split is None
            else "; the split column decides, the check tells if it parts them"
        )
        yield from _comment(group.why + says, 2)
        yield f"  group: {_scalar(group.column)}"
    if split is not None:
        values = next(profile.counts for profile in table if profile.name == split.column)
        given = {named(value) for value in values}
        taken = [key for key, number in (("validation", 1), ("test", 2)) if number not in given]
        says = f"; no row says {' or '.join(taken)}, so a share of the training rows is taken" if taken else ""
        yield from _comment(split.why + says, 2)
        yield f"  split: {{{', '.join([f'column: {_scalar(split.column)}', *(f'{key}: 0.15' for key in taken)])}}}"
    else:
        yield from _comment("No column says train, val or test: a split is made, stratified by the labels.", 2)
        yield "  split: {validation: 0.15, test: 0.15, seed: 0}"


def _unused(found: list[Role]) -> Iterator[str]:
    unused = [role for role in found if role.kind is None]
    if unused:
        yield "  # Not used:"
        for role in unused:
            yield from _comment(f"- {role.column}: {role.why}", 2)


def _with_delimiter(kind: str, role: Role) -> dict[str, Any]:
    return {"kind": kind, **({"delimiter": role.delimiter} if role.delimiter not in (None, ",") else {})}


def _comment(text: str, by: int = 0) -> Iterator[str]:
    for line in wrap(" ".join(text.split()), WIDTH - by, break_long_words=False, break_on_hyphens=False):
        yield indent(f"# {line}", " " * by)


def _scalar(value: str) -> str:
    return yaml.safe_dump(value, allow_unicode=True, width=10_000).removesuffix("\n...\n").rstrip("\n")


def _yaml(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=WIDTH).rstrip("\n")
