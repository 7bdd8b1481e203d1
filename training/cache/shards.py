"""The pixels of a family of pictures: files of raw uint8 (records, height, width, 3)."""

from __future__ import annotations

import os
import weakref
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHARD_BYTES = 2**30


class Shards:
    """Pixels by slot. Safe to read from several threads, and while another process writes other slots.

    Read with `pread`, not through a mapping: pages of a mapping count as resident memory, so that it would grow with
    the pictures seen; and a file that was cut off is a short read, not a SIGBUS. See docs/decisions/image-cache.md.

    Args:
        directory: of the family.
        shape: of a picture.
    """

    def __init__(self, directory: Path, shape: tuple[int, int, int]) -> None:
        self.directory = directory
        self._shape = shape
        self.record_bytes = int(np.prod(shape))
        self._per_shard = max(SHARD_BYTES // self.record_bytes, 1)
        self._files: dict[int, int] = {}
        weakref.finalize(self, _close, self._files)

    def write(self, slot: int, pixels: NDArray[np.uint8]) -> None:
        """Puts a picture into a slot; `sync` makes it last.

        Raises:
            OSError: if there is no room or no right to.
        """
        file, offset = self._at(slot, os.O_RDWR | os.O_CREAT)
        left = np.ascontiguousarray(pixels).data.cast("B")
        while left:
            written = os.pwrite(file, left, offset)
            left, offset = left[written:], offset + written

    def sync(self) -> None:
        """Waits until all that was written is on the disk."""
        for file in self._files.values():
            os.fsync(file)

    def read(self, slot: int, into: NDArray[np.uint8]) -> bool:
        """Reads the picture of a slot into uint8 (height, width, 3); false if it isn't there."""
        try:
            file, offset = self._at(slot, os.O_RDWR)
            return os.preadv(file, [into.data], offset) == self.record_bytes
        except OSError:
            return False

    def holds(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For each slot whether its shard is there and reaches so far. The shards are open from then on."""
        shards, records = np.divmod(slots, self._per_shard)
        held = np.zeros(len(slots), bool)
        for shard in np.unique(shards[slots >= 0]).tolist():
            with suppress(OSError):
                size = os.fstat(self._open(shard, os.O_RDWR)).st_size
                held |= (shards == shard) & ((records + 1) * self.record_bytes <= size)
        return held

    def remove(self) -> None:
        """Deletes all shards. Who has them open still reads what they held."""
        for path in self.directory.glob("pixels-*.u8"):
            path.unlink(missing_ok=True)

    def _at(self, slot: int, flags: int) -> tuple[int, int]:
        """The open file of a slot, and where in it."""
        shard, record = divmod(slot, self._per_shard)
        return self._open(shard, flags), record * self.record_bytes

    def _open(self, shard: int, flags: int) -> int:
        if shard not in self._files:
            try:
                file = os.open(self._path(shard), flags | os.O_CLOEXEC, 0o666)
            except PermissionError:  # another's cache: it can be read
                file = os.open(self._path(shard), os.O_RDONLY | os.O_CLOEXEC)
            if self._files.setdefault(shard, file) != file:  # another thread was first
                os.close(file)
        return self._files[shard]

    def _path(self, shard: int) -> Path:
        return self.directory / f"pixels-{shard:05}.u8"


def checksum(digest: bytes, pixels: NDArray[np.uint8]) -> int:
    """Of a picture, and of whose it is: in another's slot it would not fit."""
    return zlib.crc32(np.ascontiguousarray(pixels).data, zlib.crc32(digest))


def _close(files: dict[int, int]) -> None:
    while files:
        os.close(files.popitem()[1])
