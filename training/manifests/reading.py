"""Reading a table once, into the cache folder."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
import uuid
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np

from model.errors import ManifestError, StorageError
from training.manifests.cells import as_text
from training.manifests.source import Row, Source
from training.manifests.table import ROWS, Ask, Table

Progress = Callable[[int, int], None]

FORMAT = 2  # of the files in the cache folder; another one is another key
ROWS_A_NOTE = 4096
BESIDE = ".reading-"  # before the name of a folder that is not whole yet
LEFT_OVER_S = 24 * 3600.0
NOT_WHOLE = (OSError, ValueError, KeyError)  # that a table is not


def read_table(source: Source, asks: Sequence[Ask], *, directory: Path, progress: Progress) -> Table:
    """The columns that are asked for: those that any run has read of this table are in the cache, others are read now.

    Args:
        source: the manifest.
        asks: the columns; each is one of the manifest's.
        directory: the cache folder.
        progress: called with how much is read, of 1000.

    Raises:
        ManifestError: if the manifest can't be read, or changes meanwhile.
        StorageError: if the cache can't be written.
    """
    asks = sorted(set(asks), key=lambda ask: (ask.column, ask.delimiter or ""))
    try:
        digest = source.digest()
    except OSError as error:
        raise ManifestError(f"{source.path} can't be read: {error.strerror}.") from None
    key = hashlib.sha256(f"{FORMAT} {digest} {source.path.suffix.lower()}".encode()).hexdigest()[:32]
    home = directory / "tables" / key
    with suppress(*NOT_WHOLE):
        return Table(home, digest, asks)
    with _room(directory, source.size):
        home.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(home.parent)
        lacking = [ask for ask in asks if not _is_whole(home, [ask])]
        _read(source, lacking, home, digest, progress)
        return Table(home, digest, asks)


def _is_whole(home: Path, asks: Sequence[Ask]) -> bool:
    try:
        Table(home, "", asks)
    except NOT_WHOLE:
        return False
    return True


def _read(source: Source, asks: Sequence[Ask], home: Path, digest: str, progress: Progress) -> None:
    """Adds columns to those that were read before. Each is whole or not there."""
    names = [ask.folder for ask in asks] + ([] if _is_whole(home, []) else [ROWS])
    for name in names:
        shutil.rmtree(home / name, ignore_errors=True)  # what is there is not whole
    beside = home.with_name(f"{BESIDE}{uuid.uuid4().hex}")
    try:
        beside.mkdir()
        _write(source, asks, beside, progress)
        if source.digest() != digest:
            raise ManifestError(f"{source.path.name} was changed while it was read. Start again.")
        home.mkdir(exist_ok=True)
        for name in names:
            with suppress(OSError):  # another run was faster
                (beside / name).rename(home / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _remove_leftovers(tables: Path) -> None:
    """Deletes what runs that were killed have left; one that goes on has written within a day."""
    for folder in tables.glob(f"{BESIDE}*"):
        with suppress(OSError):  # another run was faster
            if time.time() - max(file.stat().st_mtime for file in (folder, *folder.rglob("*"))) > LEFT_OVER_S:
                shutil.rmtree(folder, ignore_errors=True)


def _write(source: Source, asks: Sequence[Ask], directory: Path, progress: Progress) -> None:
    lines, faults, columns = array("q"), dict[int, str](), dict.fromkeys(source.columns)
    with ExitStack() as stack:
        written = [_Column(ask, directory, stack) for ask in asks]
        for number, row in enumerate(source.rows([ask.column for ask in asks])):
            lines.append(row.line or 0)
            columns |= dict.fromkeys(row.cells) if not source.columns_are_final else {}
            if row.fault:
                faults[number] = row.fault
            for column in written:
                column.add(row)
            if number % ROWS_A_NOTE == 0:
                progress(int(1000 * source.share_read), 1000)
    for column in written:
        column.finish()
    (directory / ROWS).mkdir()
    np.save(directory / ROWS / "lines.npy", np.frombuffer(lines, np.int64) if lines else np.zeros(0, np.int64))
    told = {"rows": len(lines), "columns": list(columns), "faults": faults}
    (directory / ROWS / "rows.json").write_text(json.dumps(told), encoding="utf-8")


class _Column:
    """The texts of a column as they are written, one after the other.

    Args:
        ask: the column.
        directory: in which its folder is made.
        stack: closes its file.
    """

    def __init__(self, ask: Ask, directory: Path, stack: ExitStack) -> None:
        self._ask = ask
        self._folder = directory / ask.folder
        self._folder.mkdir()
        self._stream = stack.enter_context((self._folder / "texts").open("wb"))
        self._ends = array("q", [0])
        self._faults: dict[int, str] = {}

    def add(self, row: Row) -> None:
        """The text of the next row; empty if its cell can't be used."""
        ask, text = self._ask, b""
        try:
            text = as_text(row.cells.get(ask.column), ask.delimiter).encode()
        except UnicodeEncodeError:
            self._note(f"column {ask.column!r}: it holds half of a surrogate pair, which is no character")
        except ValueError as error:
            self._note(f"column {ask.column!r}: {error}")
        self._stream.write(text)
        self._ends.append(self._ends[-1] + len(text))

    def finish(self) -> None:
        """After the last row."""
        np.save(self._folder / "offsets.npy", np.frombuffer(self._ends, np.int64))
        (self._folder / "faults.json").write_text(json.dumps(self._faults), encoding="utf-8")

    def _note(self, fault: str) -> None:
        self._faults[len(self._ends) - 1] = fault


@contextmanager
def _room(directory: Path, size: int) -> Iterator[None]:
    """Looks for room before, and makes an error in words of what goes wrong with the disk."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
        if size > free:
            raise StorageError(
                f"The table needs up to {size / 2**20:,.0f} MiB in {directory}; {free / 2**20:,.0f} MiB are free. "
                "Make room, or choose another folder with --cache-dir."
            )
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"The disk of {directory} is full. Make room, or choose another folder with --cache-dir."
            ) from None
        raise StorageError(
            f"The table can't be kept in {directory}: {error.strerror or error}. Choose another with --cache-dir."
        ) from None
