"""The user's table: read, checked against the recipe, and made into rows to train on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError
from model.spec import ImageInput, MultiLabelHead, TagsInput
from model.validation import nearest
from model.written_list import written_list
from training.cache.picture import NO_SUCH_FILE
from training.manifests.delimited import Delimited
from training.manifests.opening import open_source
from training.manifests.reading import Progress, read_table
from training.manifests.table import Ask, Encoded, Table, TextColumn
from training.recipe import Recipe

NEARLY_ALL = 0.9
LIST_DELIMITER = ","  # of lists in columns that are neither tags nor labels


@dataclass(frozen=True)
class BadRow:
    """A row that can't be used.

    Args:
        row: its number in the manifest; the first one (below the header, if there is one) is 1.
        reason: what is wrong with it.
        line: of the file in which it begins; None where there are no lines.
    """

    row: int
    reason: str
    line: int | None = None


@dataclass(frozen=True)
class Manifest:
    """The rows of a manifest, seen through a recipe.

    Args:
        table: the columns that the recipe names.
        recipe: the recipe.
        faults: by position (0 is the first row) why a row can't be used.
        passed_over: what lies beside the rows and is none of them, in words.
    """

    table: Table
    recipe: Recipe
    faults: Mapping[int, str]
    passed_over: str = ""

    @property
    def num_rows(self) -> int:
        """Usable and bad rows together."""
        return self.table.rows

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest."""
        return self.table.digest

    @property
    def bad(self) -> list[BadRow]:
        """The rows that can't be used, in order."""
        return [BadRow(at + 1, reason, self.line(at)) for at, reason in sorted(self.faults.items())]

    @property
    def usable(self) -> NDArray[np.intp]:
        """Positions of the rows that can be used, intp (usable,)."""
        chosen = np.ones(self.num_rows, bool)
        chosen[list(self.faults)] = False
        return np.flatnonzero(chosen)

    def line(self, position: int) -> int | None:
        """Line of the file in which a row begins."""
        return int(self.table.lines[position]) or None

    def without(self, faults: Mapping[int, str]) -> Manifest:
        """The same manifest with further rows found bad; what was said of a row first stays."""
        return replace(self, faults={**faults, **self.faults})

    def texts(self, input_name: str) -> TextColumn:
        """The cells of an input, one a row: trimmed, empty where absent."""
        return self.table.texts(_ask_input(self.recipe, input_name))

    def label_cells(self, head: str) -> Encoded:
        """The cells of a head's label column."""
        return self.table.encoded(_ask_label(self.recipe, head))

    def column(self, name: str) -> Encoded:
        """A column that is the group, the split, or was asked for besides."""
        return self.table.encoded(Ask(name, LIST_DELIMITER))

    def pictures(self, input_name: str) -> Pictures:
        """Where the pictures of an input lie."""
        return Pictures(self.recipe.image_root, self.texts(input_name))


class Pictures(Sequence[Path | None]):
    """Where the pictures of an input lie, one a row; None where absent.

    Args:
        root: folder that the paths are relative to.
        names: the cells.
    """

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self._root, self._names = root, names

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Path | None:  # type: ignore[override]  # of single rows alone
        name = self._names[index]
        return self._root / name if name else None

    def __iter__(self) -> Iterator[Path | None]:
        return (self._root / name if name else None for name in self._names)


def read(
    recipe: Recipe, *, cache_dir: Path, also: Sequence[str] = (), progress: Progress = lambda *_: None
) -> Manifest:
    """Reads a manifest and finds the rows that can't be read, have no label or no input at all.

    Args:
        recipe: names the columns.
        cache_dir: where the columns are kept once they are read.
        also: further columns, for `Manifest.column`.
        progress: called with how much is read.

    Raises:
        ManifestError: if the file or a column the recipe names is missing, or the table can't be parsed.
        StorageError: if the cache can't be written.
    """
    data = recipe.data
    asks = {f"data.columns.{name}": _ask_input(recipe, name) for name in data.columns}
    asks |= {f"data.labels.{name}": _ask_label(recipe, name) for name in data.labels}
    others = {"data.group": data.group, "data.split.column": data.split.column, **{name: name for name in also}}
    asks |= {key: Ask(name, LIST_DELIMITER) for key, name in others.items() if name is not None}
    source = open_source(data.manifest)
    if source.columns_are_final:
        _refuse_missing(asks, source.columns, data.manifest.name, source.other_separator())
    table = read_table(source, list(asks.values()), directory=cache_dir, progress=progress)
    _refuse_missing(asks, table.columns, data.manifest.name, "")
    if not table.rows:
        raise ManifestError(f"{data.manifest.name} has {_header(source)}no rows.")
    manifest = Manifest(table, recipe, table.faults, source.passed_over())
    nothing = np.all([manifest.texts(name).is_empty for name in data.columns], axis=0)
    empty = f"all inputs are empty ({', '.join(data.columns.values())})"
    manifest = manifest.without(dict.fromkeys(np.flatnonzero(nothing).tolist(), empty))
    for head, column in data.labels.items():
        if not isinstance(recipe.spec.heads[head], MultiLabelHead):  # there, no label at all is an answer
            unlabelled = np.flatnonzero(table.texts(_ask_label(recipe, head)).is_empty)
            manifest = manifest.without(dict.fromkeys(unlabelled.tolist(), f"the label column {column!r} is empty"))
            listed = f"the label column {column!r} holds a list; expected one label. Only multi_label heads take lists"
            manifest = manifest.without(dict.fromkeys(_listed(manifest.label_cells(head)), listed))
    return manifest


def image_inputs(recipe: Recipe) -> dict[str, ImageInput]:
    """The image inputs of the recipe's spec, by name."""
    return {name: given for name, given in recipe.spec.inputs.items() if isinstance(given, ImageInput)}


def group_codes(manifest: Manifest) -> NDArray[np.int32] | None:
    """Integers (rows,) that are equal within a group and negative where there is none; None without groups."""
    column = manifest.recipe.data.group
    if column is None:
        return None
    return manifest.table.codes(Ask(column, LIST_DELIMITER))


def group_keys(manifest: Manifest, positions: NDArray[np.intp]) -> NDArray[np.object_] | None:
    """What stands in the column of groups: object (positions,) of str, empty where there is none; None without groups.

    Args:
        manifest: with the rows.
        positions: of the rows that are wanted.
    """
    column = manifest.recipe.data.group
    return None if column is None else manifest.table.texts(Ask(column, LIST_DELIMITER)).take(positions)


def refuse_if_too_bad(manifest: Manifest) -> None:
    """Stops when more rows are unusable than the recipe allows.

    Raises:
        ManifestError: listing the first of them.
    """
    share, allowed = len(manifest.faults) / manifest.num_rows, manifest.recipe.data.max_bad
    if share > allowed:
        raise ManifestError(
            f"{len(manifest.faults)} of {manifest.num_rows} rows can't be used ({share:.1%}; data.max_bad allows "
            f"{allowed:.1%}):\n{listing(manifest.bad)}\n"
            f"{pictures_astray(manifest) or 'Mend or delete them, or allow more with --max-bad'}."
        )


def pictures_astray(manifest: Manifest) -> str:
    """What to do where nearly all bad rows name a picture that is not there, which is seldom the fault of the rows."""
    missing = [at for at, reason in manifest.faults.items() if reason.endswith(NO_SUCH_FILE)]
    if len(missing) < NEARLY_ALL * max(1, len(manifest.faults)):
        return ""
    root, first = manifest.recipe.image_root.resolve(), min(missing)
    cells = [manifest.texts(name)[first] for name in image_inputs(manifest.recipe)]
    if any("\\" in cell for cell in cells):
        return (
            f"The cells part folders by backslashes, which are letters of a name here ({next(filter(None, cells))!r}): "
            "write them with slashes"
        )
    return (
        f"Nearly all name a picture that is not there; paths are taken from {root}. Name the folder that they are "
        "relative to with --image-root (data.image_root)"
    )


def listing(bad: list[BadRow], *, most: int = 10) -> str:
    """Bad rows, a line each, the first few."""
    lines = [f"  row {one.row}{_line(one)}: {one.reason}" for one in bad[:most]]
    if len(bad) > most:
        lines.append(f"  and {len(bad) - most} more")
    return "\n".join(lines)


def _line(bad: BadRow) -> str:
    """Where it is, if the number of the row doesn't say so: a table without a header, or with one line of it."""
    return "" if bad.line is None or bad.line - bad.row in (0, 1) else f" (line {bad.line})"


def _ask_input(recipe: Recipe, name: str) -> Ask:
    given = recipe.spec.inputs[name]
    return Ask(recipe.data.columns[name], given.delimiter if isinstance(given, TagsInput) else None)


def _ask_label(recipe: Recipe, head: str) -> Ask:
    given = recipe.spec.heads[head]
    return Ask(recipe.data.labels[head], given.delimiter if isinstance(given, MultiLabelHead) else None)


def _listed(cells: Encoded) -> list[int]:
    """Positions of the cells that are lists of none or of several."""
    found = [written_list(value) for value in cells.values]
    lists = [code for code, items in enumerate(found) if items is not None and len(items) != 1]
    return np.flatnonzero(np.isin(cells.codes, lists)).tolist()


def _refuse_missing(asks: Mapping[str, Ask], columns: list[str], name: str, hint: str) -> None:
    for key, ask in asks.items():
        if ask.column not in columns:
            asked = "" if key == ask.column else f" ({key})"
            raise ManifestError(f"{name} has no column {ask.column!r}{asked}{nearest(ask.column, columns)}{hint}")


def _header(source: object) -> str:
    return "a header and " if isinstance(source, Delimited) else ""
