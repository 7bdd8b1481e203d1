"""One picture file: read, named by its content, decoded."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model import images
from model.errors import ImageError

NO_SUCH_FILE = "there is no such file"
DIGEST_BYTES = 16
FORMAT = 1  # of the cache's files; changes when what an older version wrote can't be read any more

# A file may change again within one tick of the clock that stamps it, which is 2 s on the coarsest file systems. A
# younger one is not remembered by its time of change: it is read, and known by its content, until it has come of age.
SETTLED_S = 2.0


@dataclass(frozen=True)
class Decoding:
    """Everything but the file that decides on the pixels.

    Args:
        height, width: in pixels.
        fit: see `model.images.decode`.
        max_pixels: pictures with more are unusable.
    """

    height: int
    width: int
    fit: images.Fit
    max_pixels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a decoded picture."""
        return self.height, self.width, 3

    @property
    def family(self) -> str:
        """Names the pictures that were decoded in this way."""
        everything = f"{FORMAT} {images.DECODE_VERSION} {self}"
        return f"{self.width}x{self.height}-{self.fit}-{hashlib.sha256(everything.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Picture:
    """What was found in a file.

    Args:
        digest: first bytes of the SHA-256 of the file; None if it could not be read.
        stamp: its size in bytes and its time of change in ns; None if that may still stand for another content.
        pixels: uint8 (height, width, 3); None if it is unusable, or was not to be decoded.
        hash: dHash of the pixels.
        reason: why it could not be read or is unusable.
        lasting: whether the reason lies in the content, so that trying again would give the same.
    """

    digest: bytes | None
    stamp: tuple[int, int] | None = None
    pixels: NDArray[np.uint8] | None = None
    hash: int = 0
    reason: str | None = None
    lasting: bool = True


def read(path: str, decoding: Decoding, is_known: Callable[[bytes], bool]) -> Picture:
    """Reads a file and decodes it, unless a picture of that digest is known."""
    try:
        data, stamp = contents(path)
    except (OSError, ValueError) as error:
        return Picture(None, reason=trouble(path, error), lasting=False)
    digest = digest_of(data)
    if is_known(digest):
        return Picture(digest, stamp)
    try:
        pixels = images.decode(
            data,
            height=decoding.height,
            width=decoding.width,
            fit=decoding.fit,
            max_pixels=decoding.max_pixels,
        )
    except ImageError as error:
        return Picture(digest, stamp, reason=str(error))
    return Picture(digest, stamp, pixels, difference_hash(pixels))


def contents(path: str) -> tuple[bytes, tuple[int, int] | None]:
    """All of a file, and its stamp if that can be trusted to change with the content."""
    with open(path, "rb") as stream:  # noqa: PTH123 - a Path for each of millions takes as long as the opening
        now = time.time()
        before = os.fstat(stream.fileno())
        data = stream.read()
        after = os.fstat(stream.fileno())
    stamp = (before.st_size, before.st_mtime_ns)
    is_still = stamp == (after.st_size, after.st_mtime_ns) and before.st_size == len(data)
    return data, stamp if is_still and now - before.st_mtime > SETTLED_S else None


def digest_of(data: bytes) -> bytes:
    """The name of a content."""
    return hashlib.sha256(data).digest()[:DIGEST_BYTES]


def trouble(path: str, error: Exception) -> str:
    """Why a file can't be read. `path` may be anything that stood in a cell."""
    if isinstance(error, FileNotFoundError):
        return f"{path[:200]}: {NO_SUCH_FILE}"
    return f"{path[:200]}: {getattr(error, 'strerror', None) or error}"


def named(path: str, reason: str) -> str:
    """A reason with the file's name before it."""
    return f"{PurePath(path).name}: {reason}"


def difference_hash(pixels: NDArray[np.uint8]) -> int:
    """dHash: for each of 8 x 8 places of a small grey copy whether it gets lighter to the right, as 64 bits.

    Pictures that look alike differ in few bits (Krawetz 2013, "Kind of like that").
    """
    small = Image.fromarray(pixels).convert("L").resize((9, 8), Image.Resampling.BICUBIC)
    grey = np.asarray(small)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes(), "big")
