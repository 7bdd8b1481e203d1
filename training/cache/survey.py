"""The rows of a manifest and what the cache knows of their files without opening one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.cache.database import remove
from training.cache.errors import DamagedError
from training.cache.files import Files, Seen, key_of
from training.cache.index import DIGEST, Known
from training.cache.picture import contents, digest_of, trouble

AT_A_TIME = 4096


@dataclass(frozen=True)
class Missing:
    """Pictures that are to be decoded.

    Args:
        rows: intp (pictures,), one row of each, in order.
        indices: intp (rows,), for each row its index among them; -1 where nothing is missing.
    """

    rows: NDArray[np.intp]
    indices: NDArray[np.intp]


@dataclass(frozen=True)
class Rows:
    """What is known of each row's file; a row whose picture is absent has neither key nor reason.

    Args:
        keys: S16 (rows,), for the path; zeros where absent or unreadable.
        digests: S16 (rows,), of the content; zeros where not known.
        unreadable: by row why its file can't be read.
    """

    keys: NDArray[np.bytes_]
    digests: NDArray[np.bytes_]
    unreadable: dict[int, str]

    def missing(self, known: Known) -> Missing:
        """The pictures that a family does not have."""
        lacking = np.flatnonzero((self.keys != b"") & (known.find(self.digests) < 0))
        # Two files of one content are one picture, and so is a file whose content is not known yet in many rows.
        names = np.where(self.digests[lacking] != b"", self.digests[lacking], self.keys[lacking])
        _, first, of = np.unique(names, return_index=True, return_inverse=True)
        order = np.argsort(first)  # decoded, and so kept, in the order of the manifest
        place = np.empty(len(order), np.intp)
        place[order] = np.arange(len(order))
        indices = np.full(len(self.keys), -1, np.intp)
        indices[lacking] = place[of]
        return Missing(lacking[first[order]], indices)


def survey(paths: Sequence[Path | None], files: Files) -> Rows:
    """Looks at each file's size and time of change.

    Args:
        paths: one a row; None is an absent picture.
        files: what is remembered.
    """
    rows = Rows(np.zeros(len(paths), DIGEST), np.zeros(len(paths), DIGEST), {})
    given = ((row, str(path)) for row, path in enumerate(paths) if path is not None)
    while some := list(islice(given, AT_A_TIME)):
        found = list(_stamps(some, rows.unreadable))
        digests = recalled(files, [(key, stamp) for _, key, stamp in found])
        for (row, key, _), digest in zip(found, digests, strict=True):
            rows.keys[row] = key
            if digest is not None:
                rows.digests[row] = digest
    return rows


def identify(paths: Sequence[Path | None], rows: Rows, which: NDArray[np.intp], files: Files, threads: int) -> None:
    """Reads the files of some rows to learn their digests, which `rows` then has. Decodes nothing."""

    def seen(row: int) -> Seen | None:
        try:
            data, stamp = contents(str(paths[row]))
        except (OSError, ValueError):
            return None  # whoever decodes it will say so
        rows.digests[row] = digest_of(data)
        return (rows.keys[row : row + 1].tobytes(), stamp, digest_of(data)) if stamp else None

    with ThreadPoolExecutor(threads) as pool:  # reading and hashing let go of the interpreter lock
        for start in range(0, len(which), AT_A_TIME):
            found = pool.map(seen, which[start : start + AT_A_TIME].tolist())
            remember(files, [one for one in found if one is not None])


def recalled(files: Files, asked: list[tuple[bytes, tuple[int, int]]]) -> list[bytes | None]:
    """What is remembered of files; nothing if the memory is damaged, which then starts anew."""
    try:
        return files.recall(asked)
    except DamagedError:
        remove(files.path)
        return [None] * len(asked)


def remember(files: Files, seen: list[Seen]) -> None:
    """Notes contents; in a new memory if the old one is damaged."""
    try:
        files.remember(seen)
    except DamagedError:
        remove(files.path)
        files.remember(seen)


def _stamps(given: list[tuple[int, str]], unreadable: dict[int, str]) -> Iterator[tuple[int, bytes, tuple[int, int]]]:
    """Row, key of the path and stamp of each file that is there."""
    for row, path in given:
        try:
            status = os.stat(path)  # noqa: PTH116 - half a million of them
            if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
                raise OSError("Is a directory" if stat.S_ISDIR(status.st_mode) else "Is not a file")
        except (OSError, ValueError) as error:
            unreadable[row] = trouble(path, error)
        else:
            yield row, key_of(path), (status.st_size, status.st_mtime_ns)
