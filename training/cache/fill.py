"""Adding decoded pictures to a family."""

from __future__ import annotations

import shutil
import time
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Self

from model.errors import StorageError
from training.cache.errors import telling
from training.cache.family import Family
from training.cache.files import Files, Seen
from training.cache.index import Entry
from training.cache.picture import Picture
from training.cache.shards import checksum
from training.cache.survey import remember

COMMIT_S = 1.0
LINES_BYTES = 200  # that a picture takes in both databases


def fits(family: Family, pictures: int) -> bool:
    """Whether there is room for some more pictures."""
    return _bytes(family, pictures) <= shutil.disk_usage(family.directory).free


def what_they_take(family: Family, pictures: int) -> str:
    """In words what room some more pictures need."""
    decoding = family.decoding
    size = f"{decoding.width}x{decoding.height}"
    return f"{pictures:,} pictures are still to be decoded to {size}; they need {_mib(_bytes(family, pictures))}"


def require_room(family: Family, pictures: int) -> None:
    """Checks that some more pictures fit.

    Raises:
        StorageError: saying what they need and what there is.
    """
    if not fits(family, pictures):
        directory = family.directory.parent
        raise StorageError(
            f"{what_they_take(family, pictures)} in {directory}, where {_mib(shutil.disk_usage(directory).free)} are "
            "free. Make room, or choose another folder with --cache-dir."
        )


class Filling:
    """Takes pictures as they are decoded, and makes them last about every second.

    First the pixels, then the index that names them: what the index knows is whole, whenever the process ends. If it
    ends before all are added, the family is left marked as unfinished.

    Args:
        family: to which they are added; by this process alone.
        files: the memory of files.
        total: pictures that are to come.
    """

    def __init__(self, family: Family, files: Files, *, total: int) -> None:
        self._family, self._files = family, files
        self._total, self._kept = total, 0
        self._next_slot = family.index.next_slot()
        self._entries: dict[bytes, Entry] = {}
        self._seen: list[Seen] = []
        self._added: set[bytes] = set()
        self._committed = time.monotonic()

    def __enter__(self) -> Self:
        with self._telling():
            self._family.unfinished.touch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._commit()
            with self._telling():
                self._family.unfinished.unlink(missing_ok=True)
        else:
            with suppress(StorageError):  # what is done is done, even now
                self._commit()

    def add(self, key: bytes, picture: Picture) -> None:
        """Keeps a picture, or that it is none.

        Args:
            key: of its path.
            picture: what was found.

        Raises:
            StorageError: if there is no room any more.
        """
        digest = picture.digest
        if digest is None:
            return
        if picture.stamp is not None:
            self._seen.append((key, picture.stamp, digest))
        if digest not in self._added:
            if picture.pixels is not None:
                with self._telling():
                    self._family.shards.write(self._next_slot, picture.pixels)
                self._entries[digest] = Entry(digest, self._next_slot, picture.hash, checksum(digest, picture.pixels))
                self._next_slot += 1
            elif picture.reason is not None:
                self._entries[digest] = Entry(digest, reason=picture.reason, lasting=picture.lasting)
            self._added.add(digest)
        if time.monotonic() - self._committed > COMMIT_S:
            self._commit()

    def _commit(self) -> None:
        with self._telling():
            self._family.shards.sync()
            self._family.index.add(self._entries.values())
            self._kept += len(self._entries)
            self._entries.clear()
            remember(self._files, self._seen)
            self._seen.clear()
        self._committed = time.monotonic()

    def _telling(self) -> AbstractContextManager[None]:
        return telling(
            self._family.directory.parent,
            lambda: (
                f"{self._kept:,} of {self._total:,} pictures are decoded and kept; the others need up to "
                f"{_mib(_bytes(self._family, self._total - self._kept))}. Mend that and start again, which goes on "
                "from there"
            ),
        )


def _bytes(family: Family, pictures: int) -> int:
    return pictures * (family.shards.record_bytes + LINES_BYTES)


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
