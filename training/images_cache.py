"""Pictures decoded once, kept as one uint8 array on disk that all runs over the same files share."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model import images
from model.errors import ImageError, StorageError
from model.spec import ImageInput

Progress = Callable[[int, int], None]

CHUNK = 1024


def decoded(
    paths: Sequence[Path | None],
    image: ImageInput,
    *,
    directory: Path,
    max_pixels: int,
    progress: Progress,
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """The pictures of one input, from the cache or decoded now on all cores.

    Args:
        paths: one a row; None is an absent picture.
        image: size and fit.
        directory: of the cache.
        max_pixels: pictures with more are unusable.
        progress: called with rows done and rows in all.

    Returns:
        uint8 (rows, height, width, 3), mapped from disk, black where absent or unusable; and for each row whose picture
        is unusable the reason.

    Raises:
        StorageError: if the cache can't be written, saying how much room it needs.
    """
    key = _key(paths, image, max_pixels)
    pixels_file, bad_file = directory / f"{key}.npy", directory / f"{key}.json"
    if pixels_file.exists():
        bad = json.loads(bad_file.read_text(encoding="utf-8"))
        return np.load(pixels_file, mmap_mode="r"), {int(row): reason for row, reason in bad.items()}

    shape = (len(paths), image.height, image.width, 3)
    _require_room(directory, int(np.prod(shape)))
    beside = directory / f".decoding-{uuid.uuid4().hex}"
    try:
        pixels = np.lib.format.open_memmap(beside, "w+", np.uint8, shape)
        bad, unread = _decode_all(paths, image, pixels, max_pixels, progress)
        pixels.flush()
        if not unread:
            bad_file.write_text(json.dumps(bad), encoding="utf-8")  # before the array, whose name says it is complete
            beside.replace(pixels_file)
            beside = pixels_file
        # A file that could not be read may be readable next time: this decoding serves this run alone. Its name goes,
        # the mapping keeps it.
        return np.load(beside, mmap_mode="r"), bad | unread
    finally:
        if beside != pixels_file:
            beside.unlink(missing_ok=True)


def _key(paths: Sequence[Path | None], image: ImageInput, max_pixels: int) -> str:
    """Names the files by path, size and time of change, which costs no reading, and how they are decoded."""
    digest = hashlib.sha256(f"{images.DECODE_VERSION} {image.model_dump_json()} {max_pixels}".encode())
    for path in paths:
        digest.update(f"\n{path}".encode(errors="surrogateescape"))
        if path is not None:
            with suppress(OSError, ValueError):  # missing, or no path at all: decoding will say so
                status = path.stat()
                digest.update(f" {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()[:32]


def _require_room(directory: Path, size: int) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(directory).free
    except OSError as error:
        raise StorageError(
            f"The cache folder {directory} can't be made: {error.strerror}. Choose another with --cache-dir."
        ) from None
    if size > free:
        raise StorageError(
            f"The decoded pictures need {size / 2**20:,.0f} MiB in {directory}; {free / 2**20:,.0f} MiB are free. "
            "Make room, or choose another folder with --cache-dir."
        )


def _decode_all(
    paths: Sequence[Path | None],
    image: ImageInput,
    pixels: NDArray[np.uint8],
    max_pixels: int,
    progress: Progress,
) -> tuple[dict[int, str], dict[int, str]]:
    """Decodes every picture into its row of `pixels`.

    Returns:
        By row the reasons of those that are no usable pictures, and of those whose files could not be read.
    """
    bad: dict[int, str] = {}
    unread: dict[int, str] = {}

    def decode(row: int) -> None:
        path = paths[row]
        if path is None:
            return
        try:
            pixels[row] = images.decode(
                path.read_bytes(), height=image.height, width=image.width, fit=image.fit, max_pixels=max_pixels
            )
        except ImageError as error:
            bad[row] = f"{path.name}: {error}"
        except FileNotFoundError:
            bad[row] = f"{path}: there is no such file"  # once there is one, the key is another
        except (OSError, ValueError) as error:  # ValueError: a path with a NUL in it
            unread[row] = f"{str(path)[:200]}: {getattr(error, 'strerror', None) or error}"

    # Threads are enough: Pillow lets go of the interpreter lock while it decodes and resamples.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), CHUNK):  # each row waiting in the pool takes memory
            for done, _ in enumerate(pool.map(decode, range(start, min(start + CHUNK, len(paths)))), start + 1):
                progress(done, len(paths))
    return dict(sorted(bad.items())), dict(sorted(unread.items()))
