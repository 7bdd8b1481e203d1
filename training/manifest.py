"""The user's table: read, checked against the recipe, and made into rows to train on."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from model.errors import ManifestError
from model.spec import ImageInput, MultiLabelHead
from model.validation import nearest
from training.pipeline import Targets
from training.recipe import Recipe

SEPARATORS = {".csv": ",", ".tsv": "\t"}


@dataclass(frozen=True)
class BadRow:
    """A row that can't be used.

    Args:
        row: its number in the manifest; the first one below the header is 1.
        reason: what is wrong with it.
    """

    row: int
    reason: str


@dataclass(frozen=True)
class Manifest:
    """The usable rows of a manifest.

    Args:
        table: all columns as read, strings, plus `row`: UInt32, the number in the manifest (first below the header: 1).
            An absent value is the empty string.
        bad: the rows that are left out, and why.
        digest: SHA-256 of the file.
    """

    table: pl.DataFrame
    bad: list[BadRow]
    digest: str

    @property
    def num_rows(self) -> int:
        """Usable and bad rows together."""
        return len(self.table) + len(self.bad)

    def without(self, bad: list[BadRow]) -> Manifest:
        """The same manifest with further rows found bad."""
        rows = [one.row for one in bad]
        return Manifest(self.table.filter(~pl.col("row").is_in(rows)), [*self.bad, *bad], self.digest)


def read(recipe: Recipe) -> Manifest:
    """Reads a manifest and leaves out the rows without a label or without any input.

    Raises:
        ManifestError: if the file or a column the recipe names is missing, or the table can't be parsed.
    """
    table = _parse(recipe.data.manifest)
    data = recipe.data
    wanted: dict[str, str | None] = {f"data.columns.{name}": column for name, column in data.columns.items()}
    wanted |= {f"data.labels.{name}": column for name, column in data.labels.items()}
    wanted |= {"data.group": data.group, "data.split.column": data.split.column}
    for key, column in wanted.items():
        if column is not None and column not in table.columns:
            raise ManifestError(
                f"{data.manifest.name} has no column {column!r} ({key}){nearest(column, table.columns)}"
                + _other_separator(data.manifest, table.columns)
            )
    if table.is_empty():
        raise ManifestError(f"{data.manifest.name} has a header and no rows.")

    used = sorted({column for column in wanted.values() if column is not None})
    table = table.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).alias("row"),
        *(pl.col(column).fill_null("").str.strip_chars().alias(f"column:{column}") for column in used),
    )
    bad = [
        *(
            BadRow(row, f"the label column {column!r} is empty")
            for head, column in data.labels.items()
            if not isinstance(recipe.spec.heads[head], MultiLabelHead)  # there, no label at all is an answer
            for row in table.filter(pl.col(f"column:{column}") == "")["row"].to_list()
        ),
        *(
            BadRow(row, f"all inputs are empty ({', '.join(data.columns.values())})")
            for row in table.filter(
                pl.all_horizontal(pl.col(f"column:{column}") == "" for column in data.columns.values())
            )["row"].to_list()
        ),
    ]
    with data.manifest.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Manifest(table, [], digest).without(list({one.row: one for one in bad}.values()))


def values(manifest: Manifest, column: str) -> list[str]:
    """A column of the usable rows, trimmed; empty where absent."""
    return manifest.table[f"column:{column}"].to_list()


def labels(manifest: Manifest, recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """The labels of each head: those of the recipe, or if it lists none those of the column, sorted.

    Heads with one last layer have the labels of all their columns.

    Raises:
        ManifestError: if a label column has only one, or one that the recipe does not list.
    """
    found = {}
    for head, column in recipe.data.labels.items():
        spec = recipe.spec.heads[head]
        layer = spec.last_layer_of or head
        shared = [other for other, given in recipe.spec.heads.items() if layer in (other, given.last_layer_of)]
        names = sorted({name for other in shared for name in _names(manifest, recipe, other)})
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


def picture_paths(manifest: Manifest, recipe: Recipe, input_name: str) -> list[Path | None]:
    """Where the pictures of an input lie; None where absent."""
    root = recipe.image_root
    return [root / value if value else None for value in values(manifest, recipe.data.columns[input_name])]


def image_inputs(recipe: Recipe) -> dict[str, ImageInput]:
    """The image inputs of the recipe's spec, by name."""
    return {name: given for name, given in recipe.spec.inputs.items() if isinstance(given, ImageInput)}


def targets(manifest: Manifest, recipe: Recipe) -> dict[str, Targets]:
    """For each head the index of each row's label, int32 (rows,), or which labels it has, bool (rows, classes).

    The recipe's spec has its labels.
    """
    found: dict[str, Targets] = {}
    for head, column in recipe.data.labels.items():
        spec = recipe.spec.heads[head]
        index = {label: number for number, label in enumerate(spec.labels)}
        if isinstance(spec, MultiLabelHead):
            chosen = np.zeros((len(manifest.table), len(index)), bool)
            for row, value in enumerate(values(manifest, column)):
                chosen[row, [index[label] for label in _split(spec, value)]] = True
            found[head] = chosen
        else:
            found[head] = np.array([index[value] for value in values(manifest, column)], np.int32)
    return found


def _names(manifest: Manifest, recipe: Recipe, head: str) -> set[str]:
    """The labels in a head's column."""
    spec, cells = recipe.spec.heads[head], set(values(manifest, recipe.data.labels[head]))
    if isinstance(spec, MultiLabelHead):
        return {label for cell in cells for label in _split(spec, cell)}
    return cells


def _split(head: MultiLabelHead, cell: str) -> list[str]:
    return [label for label in map(str.strip, cell.split(head.delimiter)) if label]


def refuse_if_too_bad(manifest: Manifest, recipe: Recipe) -> None:
    """Stops when more rows are unusable than the recipe allows.

    Raises:
        ManifestError: listing the first of them.
    """
    share = len(manifest.bad) / manifest.num_rows
    if share > recipe.data.max_bad:
        raise ManifestError(
            f"{len(manifest.bad)} of {manifest.num_rows} rows can't be used ({share:.1%}; data.max_bad allows "
            f"{recipe.data.max_bad:.1%}):\n{listing(manifest.bad)}\nMend or delete them, or allow more with --max-bad."
        )


def listing(bad: list[BadRow], *, most: int = 10) -> str:
    """Bad rows, a line each, the first few."""
    lines = [f"  row {one.row}: {one.reason}" for one in sorted(bad, key=lambda one: one.row)[:most]]
    if len(bad) > most:
        lines.append(f"  and {len(bad) - most} more")
    return "\n".join(lines)


def _other_separator(file: Path, columns: list[str]) -> str:
    """A hint, if the only column looks like several."""
    for separator in ";\t,":
        if len(columns) == 1 and separator in columns[0]:
            expected = SEPARATORS[file.suffix.lower()]
            return f" Its cells seem to be separated by {separator!r}; expected {expected!r} in a {file.suffix} file."
    return ""


def _parse(file: Path) -> pl.DataFrame:
    if file.suffix.lower() not in SEPARATORS:
        raise ManifestError(f"{file.name}: a manifest is a table ending in {' or '.join(SEPARATORS)}.")
    separator = SEPARATORS[file.suffix.lower()]
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            header = next(csv.reader(stream, delimiter=separator), [])
        twice = sorted({column for column in header if header.count(column) > 1})
        if twice:
            raise ManifestError(f"{file.name} has more than one column {', '.join(map(repr, twice))}. Rename them.")
        # Every column as text, for a label "007" is not the number 7; and no globbing, for "dl[1].csv" is one file.
        return pl.read_csv(file, separator=separator, infer_schema=False, glob=False)
    except FileNotFoundError:
        raise ManifestError(f"There is no manifest {file}.") from None
    except UnicodeDecodeError:
        raise ManifestError(f"{file.name} is not UTF-8. Save it as UTF-8.") from None
    except (OSError, csv.Error, pl.exceptions.PolarsError) as error:
        raise ManifestError(f"{file.name} can't be read as a table: {_in_words(error)}") from None


def _in_words(error: Exception) -> str:
    """What polars says, without its advice on its own options."""
    if isinstance(error, OSError):
        return f"{error.strerror}."
    said = str(error).splitlines()[0]
    if "truncate_ragged_lines" in str(error):
        return "a row has more cells than the header. Put cells that hold the separator in double quotes."
    if any(word in said.lower() for word in ("could not parse", "expected", "quote")):
        return (
            "a quoted cell does not end. Double the quotes within a quoted cell, and quote a cell that begins with one."
        )
    if "utf-8" in said.lower() or "utf8" in said.lower():
        return "it is not UTF-8. Save it as UTF-8."
    return said
