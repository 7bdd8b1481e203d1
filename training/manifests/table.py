"""A table that was read once: the columns that are used lie in the cache folder; where each text begins is held."""

from __future__ import annotations

import hashlib
import json
import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

TEXTS_AT_A_TIME = 4096
ROWS = "rows"  # the folder with what is known of rows and not of a column


class Ask(NamedTuple):
    """A column as it is wanted.

    Args:
        column: its name.
        delimiter: what joins the items, if its cells are lists; None takes no lists.
    """

    column: str
    delimiter: str | None = None

    @property
    def folder(self) -> str:
        """The name of the folder in which its texts lie, beside those of the manifest's other columns."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()[:32]


class TextColumn(Sequence[str]):
    """The texts of a column, read from disk when they are asked for.

    They are read, not mapped: of a mapping, each page that was touched counts as memory of the process.

    Args:
        file: the texts one after the other, UTF-8. It may be deleted while this is in use.
        offsets: int64 (rows + 1,), where each text begins and the last one ends, in bytes.
    """

    def __init__(self, file: Path, offsets: NDArray[np.int64]) -> None:
        self.offsets = offsets
        self._file = os.open(file, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return list(self.take(np.arange(len(self))[index]))
        if not -len(self) <= index < len(self):
            raise IndexError(f"row {index} of {len(self)}")
        return str(self.take(np.array([index % len(self)]))[0])

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), TEXTS_AT_A_TIME):
            yield from self.take(np.arange(start, min(start + TEXTS_AT_A_TIME, len(self))))

    def take(self, positions: NDArray[np.intp]) -> NDArray[Any]:
        """The texts of some rows: object (positions,) of str, empty where absent."""
        begins, ends = self.offsets[positions], self.offsets[np.asarray(positions) + 1]
        texts = np.empty(len(positions), object)
        if not len(positions):
            return texts
        first, last = int(begins.min()), int(ends.max())
        if last - first <= 2 * int((ends - begins).sum()) + TEXTS_AT_A_TIME:  # neighbours: at one go
            data = self._read(first, last)
            for number, (begin, end) in enumerate(zip((begins - first).tolist(), (ends - first).tolist(), strict=True)):
                texts[number] = data[begin:end].decode()
        else:
            for number, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
                texts[number] = self._read(begin, end).decode()
        return texts

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """Bool (rows,), whether a row has no text."""
        return np.diff(self.offsets) == 0

    def _read(self, begin: int, end: int) -> bytes:
        parts = []
        while begin < end:  # one call reads 2 GiB at most
            parts.append(os.pread(self._file, end - begin, begin))
            if not parts[-1]:
                raise OSError("a table in the cache folder was cut off while it was in use")
            begin += len(parts[-1])
        return b"".join(parts)


@dataclass(frozen=True)
class Encoded:
    """A column of few distinct values.

    Args:
        codes: int32 (rows,), which of the values each row has.
        values: in the order in which they first come; "" is absent.
    """

    codes: NDArray[np.int32]
    values: list[str]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Encoded:
        """The texts, one a row."""
        index: dict[str, int] = {}
        codes = np.fromiter((index.setdefault(text, len(index)) for text in texts), np.int32, len(texts))
        return cls(codes, list(index))


def hash_of(text: str) -> int:
    """64 bits that stand for a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


class Table:
    """The columns of a manifest that are used.

    Args:
        directory: in the cache folder, as `training.manifests.reading` writes it: `rows` and a folder a column.
        digest: SHA-256 of the manifest.
        asks: the columns.

    Raises:
        OSError, ValueError, KeyError: if it is not whole.
    """

    def __init__(self, directory: Path, digest: str, asks: Sequence[Ask]) -> None:
        self.digest = digest
        self._rows = directory / ROWS
        told = json.loads((self._rows / "rows.json").read_text(encoding="utf-8"))
        self.rows: int = told["rows"]
        self.columns: list[str] = told["columns"]
        faults = dict(told["faults"])
        self._columns: dict[Ask, TextColumn] = {}
        for ask in asks:
            self._columns[ask] = self._column(directory / ask.folder)
            faults |= json.loads((directory / ask.folder / "faults.json").read_text(encoding="utf-8"))
        self.faults: Mapping[int, str] = {int(row): reason for row, reason in faults.items()}
        self._encoded: dict[Ask, Encoded] = {}
        self._codes: dict[Ask, NDArray[np.int32]] = {}

    def texts(self, ask: Ask) -> TextColumn:
        """A column that was asked for."""
        return self._columns[ask]

    def encoded(self, ask: Ask) -> Encoded:
        """A column of few distinct values; made once."""
        if ask not in self._encoded:
            self._encoded[ask] = Encoded.of(self.texts(ask))
        return self._encoded[ask]

    def codes(self, ask: Ask) -> NDArray[np.int32]:
        """Of a column of many values, of which none is held: int32 (rows,), equal where they are and negative where
        there is none; made once."""
        if ask not in self._codes:
            texts = self.texts(ask)
            hashes = np.fromiter(map(hash_of, texts), np.uint64, len(texts))
            codes = np.unique(hashes, return_inverse=True)[1].astype(np.int32)
            self._codes[ask] = np.where(texts.is_empty, np.int32(-1), codes)
        return self._codes[ask]

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """Line of the file in which each row begins, int64 (rows,); 0 where there are no lines."""
        return np.array(np.load(self._rows / "lines.npy"))

    def _column(self, folder: Path) -> TextColumn:
        offsets = np.load(folder / "offsets.npy")
        if offsets.shape != (self.rows + 1,) or (folder / "texts").stat().st_size != offsets[-1]:
            raise ValueError(f"{folder} is not whole")
        return TextColumn(folder / "texts", offsets)
