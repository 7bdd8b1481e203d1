"""Reading a table once, into the cache folder."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import uuid
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from model.errors import ManifestError, StorageError
from training.manifests.cells import as_text
from training.manifests.source import Row, Source
from training.manifests.table import Ask, Table

Progress = Callable[[int, int], None]

FORMAT = 1  # of the files in the cache folder; another one is another key
ROWS_A_NOTE = 4096


def read_table(source: Source, asks: Sequence[Ask], *, directory: Path, progress: Progress) -> Table:
    """The columns that are asked for, from the cache or read now.

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
    key = hashlib.sha256(f"{FORMAT} {digest} {source.path.suffix.lower()} {json.dumps(asks)}".encode()).hexdigest()[:32]
    home = directory / "tables" / key
    with suppress(OSError, ValueError, KeyError):
        return Table(home, digest)
    with _room(directory, source.size):
        home.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home, ignore_errors=True)  # what is there is not whole
        beside = home.with_name(f".reading-{uuid.uuid4().hex}")
        try:
            beside.mkdir()
            _write(source, asks, beside, progress)
            if source.digest() != digest:
                raise ManifestError(f"{source.path.name} was changed while it was read. Start again.")
            with suppress(OSError):  # another run was faster
                beside.rename(home)
            return Table(home, digest)
        finally:
            shutil.rmtree(beside, ignore_errors=True)


def _write(source: Source, asks: Sequence[Ask], directory: Path, progress: Progress) -> None:
    lines, faults, columns = array("q"), dict[int, str](), dict.fromkeys(source.columns)
    with ExitStack() as stack:
        written = [_Texts(stack.enter_context((directory / f"{n}.texts").open("wb"))) for n in range(len(asks))]
        for number, row in enumerate(source.rows()):
            lines.append(row.line or 0)
            columns |= dict.fromkeys(row.cells) if not source.columns_are_final else {}
            texts, fault = _texts(row, asks)
            if fault:
                faults[number] = fault
            for column, text in zip(written, texts, strict=True):
                column.add(text)
            if number % ROWS_A_NOTE == 0:
                progress(int(1000 * source.share_read), 1000)
    for number, column in enumerate(written):
        np.save(directory / f"{number}.npy", column.offsets())
    np.save(directory / "lines.npy", np.frombuffer(lines, np.int64) if lines else np.zeros(0, np.int64))
    told = {"rows": len(lines), "columns": list(columns), "asks": asks, "faults": faults}
    (directory / "table.json").write_text(json.dumps(told), encoding="utf-8")


class _Texts:
    """Texts as they are written, one after the other."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ends = array("q", [0])

    def add(self, text: bytes) -> None:
        self._stream.write(text)
        self._ends.append(self._ends[-1] + len(text))

    def offsets(self) -> NDArray[np.int64]:
        return np.frombuffer(self._ends, np.int64)


def _texts(row: Row, asks: Sequence[Ask]) -> tuple[list[bytes], str | None]:
    """The texts of a row, and why it can't be used, if it can't; they are empty then."""
    fault, texts = row.fault, []
    for ask in asks:
        try:
            texts.append(as_text(row.cells.get(ask.column), ask.delimiter).encode())
        except UnicodeEncodeError:
            fault = f"column {ask.column!r}: it holds half of a surrogate pair, which is no character"
        except ValueError as error:
            fault = f"column {ask.column!r}: {error}"
    return ([b""] * len(asks) if fault else texts), fault


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
