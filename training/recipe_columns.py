"""The default recipe for some columns of a manifest."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from model.errors import SpecError
from model.spec import Name
from model.spec.checks import RESERVED
from training.default_model import TRAINING, default_spec
from training.manifests.folder import FILE, LABEL, SPLIT, splits_of
from training.recipe import Recipe

_NAME: TypeAdapter[str] = TypeAdapter(Name)
LONGEST = 45  # characters of a column that its name keeps; a name has 60 at most


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
        manifest: the table, or a folder of pictures; of one without any columns given, `file_name`, `label` and, if it
            has folders of splits, `split` are taken.
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
    if manifest.is_dir():
        image = image or ([] if text or tags else [FILE])
        label = label or [LABEL]
        split = split or (SPLIT if splits_of(manifest) else None)
    columns = inputs_of({"image": image, "text": text, "tags": tags})
    if not columns:
        raise SpecError("No input: give at least one of --image, --text and --tags.")
    if not label:
        raise SpecError("No label: give --label COLUMN, the column to be predicted.")
    labels = heads_of(label, columns)
    return Recipe.parse(
        {
            "name": name,
            "data": {
                "manifest": manifest,
                "columns": {name: column for name, (_, column) in columns.items()},
                "labels": labels,
                "group": group,
                "split": {"column": split},
            },
            "spec": default_spec(
                {name: {"kind": kind} for name, (kind, _) in columns.items()},
                {head: {"kind": "single_label"} for head in labels},
            ),
            "training": dict(TRAINING),
        },
        what="recipe",
    )


def inputs_of(kinds: Mapping[str, list[str]]) -> dict[str, tuple[str, str]]:
    """Names for inputs: the only one of its kind is called after the kind, as requests will call it.

    Args:
        kinds: for each kind its columns, each `COLUMN` or `INPUT=COLUMN`.

    Returns:
        For each input its kind and its column.

    Raises:
        SpecError: if two have the same name.
    """
    inputs: dict[str, tuple[str, str]] = {}
    for kind, given in kinds.items():
        for item in given:
            input_name, column = _named(item, default=kind if len(given) == 1 else None, beside="input")
            if input_name in inputs:
                raise SpecError(f"Two inputs are named {input_name!r}; name them: --{kind} NAME=COLUMN.")
            inputs[input_name] = kind, column
    return inputs


def heads_of(label: list[str], inputs: Collection[str]) -> dict[str, str]:
    """Names for heads, each with its column.

    Args:
        label: columns, each `COLUMN` or `HEAD=COLUMN`.
        inputs: names that are taken.

    Raises:
        SpecError: if two have the same name.
    """
    labels: dict[str, str] = {}
    for item in label:
        default = "label" if len(label) == 1 and not item.isascii() else None
        head, column = _named(item, default=default, beside="label", taken=inputs)
        if head in labels:
            raise SpecError(f"Two heads are named {head!r}; name them: --label NAME=COLUMN.")
        labels[head] = column
    return labels


def name_of(manifest: Path) -> str:
    """The name of a model that was given none: the manifest's, without what a folder should not be called."""
    name = manifest.resolve().name if manifest.is_dir() else manifest.stem
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "model"


def _named(item: str, *, default: str | None, beside: str, taken: Collection[str] = ()) -> tuple[str, str]:
    """`NAME=COLUMN` or `COLUMN` -> (name, column).

    A name made from a column is in lower case with underscores; where it can't be used, `beside` comes after it.
    """
    name, equals, column = item.partition("=")
    if equals:
        return name, column
    if default is None and not item.isascii():
        raise SpecError(f"No name can be made of the column {item!r}; give one: NAME={item}.")
    made = re.sub(r"[^a-z0-9]+", "_", item.lower()).strip("_")
    made = made if re.match(r"[a-z]", made) else f"column_{made}".rstrip("_")
    made = (default or made)[:LONGEST]
    return f"{made}_{beside}" if made in taken or not _is_free(made) else made, item


def _is_free(name: str) -> bool:
    """Whether an input, with its branch, or a head may be called so."""
    try:
        _NAME.validate_python(name)
    except ValidationError:
        return False
    return name not in RESERVED and not name.endswith(("_present", "_target"))
