"""The decoded pictures of one input, as batches are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.errors import StorageError
from training.cache.picture import DIGEST_BYTES, Decoding, read
from training.cache.shards import Shards, checksum


@dataclass(frozen=True)
class Decoded:
    """The pictures of a manifest; they stay on disk. A `training.pipeline.Column`, safe to use from several threads.

    Args:
        paths: one a row; None is an absent picture.
        decoding: how they were decoded.
        shards: where they are.
        slots: int64 (rows,), where there; -1 where absent or unusable.
        checksums: uint32 (rows,), of the pixels.
        digests: uint8 (rows, 16), the first bytes of the SHA-256 of the encoded file; zeros where absent or unreadable.
        hashes: uint64 (rows,), dHash of the decoded picture; 0 where absent or unusable.
        bad: by row why its picture is unusable or unreadable.
    """

    paths: Sequence[Path | None]
    decoding: Decoding
    shards: Shards
    slots: NDArray[np.int64]
    checksums: NDArray[np.uint32]
    digests: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    bad: dict[int, str]

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, positions: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The pictures of some rows: uint8 (positions, height, width, 3), black where absent or unusable.

        One that is damaged on disk is decoded once more.

        Raises:
            StorageError: if its file is not what it was any more.
        """
        pixels = np.empty((len(positions), *self.decoding.shape), np.uint8)
        slots, sums = self.slots[positions].tolist(), self.checksums[positions].tolist()
        for at, (row, slot, expected) in enumerate(zip(positions.tolist(), slots, sums, strict=True)):
            if slot < 0:
                pixels[at] = 0
            elif not (self.shards.read(slot, pixels[at]) and self._checksum(row, pixels[at]) == expected):
                pixels[at] = self._again(row)
        return pixels

    def _checksum(self, row: int, pixels: NDArray[np.uint8]) -> int:
        return checksum(self.digests[row].tobytes(), pixels)

    def _again(self, row: int) -> NDArray[np.uint8]:
        """A picture from its file, put back where it was damaged."""
        path = str(self.paths[row])
        picture = read(path, self.decoding, lambda _: False)
        if picture.pixels is None or picture.digest != self.digests[row].tobytes():
            raise StorageError(
                f"A decoded picture in {self.shards.directory} is damaged, and its file {path} is not what it was "
                f"when it was decoded ({picture.reason or 'its content has changed'}). Put it back, or start again "
                "without it."
            )
        with suppress(OSError):  # no room or no right: it is decoded again next time too
            self.shards.write(int(self.slots[row]), picture.pixels)
        return picture.pixels


def as_bytes(digests: NDArray[np.bytes_]) -> NDArray[np.uint8]:
    """S16 (rows,) as uint8 (rows, 16): NumPy drops the zeros in the end of a byte string."""
    return np.ascontiguousarray(digests).view(np.uint8).reshape(len(digests), DIGEST_BYTES)
