"""The default recipe for some columns of a manifest."""

from __future__ import annotations

import re
from pathlib import Path

from model.errors import SpecError
from training.recipe import Recipe


def from_columns(
    manifest: Path,
    *,
    name: str,
    image: list[str],
    text: list[str],
    tags: list[str],
    label: list[str],
    group: str | None = None,
    split: str | None = None,
) -> Recipe:
    """The default recipe for some columns of a manifest.

    Args:
        manifest: the table.
        name: of the model.
        image: columns of picture paths, each `COLUMN` or `INPUT=COLUMN`.
        text: columns of texts, likewise.
        tags: columns of delimited tags, likewise.
        label: columns of labels, each `COLUMN` or `HEAD=COLUMN`.
        group: column of groups.
        split: column of splits.

    Raises:
        SpecError: if an input is named twice, or none is given.
    """
    kinds = {"image": image, "text": text, "tags": tags}
    inputs: dict[str, dict[str, str]] = {}
    columns: dict[str, str] = {}
    for kind, given in kinds.items():
        for item in given:
            # The only one of its kind is called after the kind, as requests will call it.
            input_name, column = _named(item, default=kind if len(given) == 1 else None)
            if input_name in inputs:
                raise SpecError(f"Two inputs are named {input_name!r}; name them: --{kind} NAME=COLUMN.")
            inputs[input_name] = {"kind": kind}
            columns[input_name] = column
    if not inputs:
        raise SpecError("No input: give at least one of --image, --text and --tags.")
    if not label:
        raise SpecError("No label: give --label COLUMN, the column to be predicted.")
    labels: dict[str, str] = {}
    for item in label:
        head, column = _named(item, default="label" if len(label) == 1 and not item.isascii() else None)
        if head in labels:
            raise SpecError(f"Two heads are named {head!r}; name them: --label NAME=COLUMN.")
        labels[head] = column
    branch_kinds = {"image": "conv", "text": "embedding", "tags": "tags"}
    return Recipe.parse(
        {
            "name": name,
            "data": {
                "manifest": manifest,
                "columns": columns,
                "labels": labels,
                "group": group,
                "split": {"column": split},
            },
            "spec": {
                "inputs": inputs,
                "branches": {key: {"kind": branch_kinds[value["kind"]]} for key, value in inputs.items()},
                "heads": {head: {"kind": "single_label"} for head in labels},
            },
        },
        what="recipe",
    )


def name_of(manifest: Path) -> str:
    """The name of a model that was given none: the manifest's, without what a folder should not be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", manifest.stem).strip("-._") or "model"


def _named(item: str, default: str | None = None) -> tuple[str, str]:
    """`NAME=COLUMN` or `COLUMN` -> (name, column); a name made from a column is in lower case with underscores."""
    name, equals, column = item.partition("=")
    if equals:
        return name, column
    if default is None and not item.isascii():
        raise SpecError(f"No name can be made of the column {item!r}; give one: NAME={item}.")
    made = re.sub(r"[^a-z0-9]+", "_", item.lower()).strip("_")
    return default or (made if re.match(r"[a-z]", made) else f"column_{made}".rstrip("_")), item
