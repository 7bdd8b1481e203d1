"""Pictures decoded once, kept as one uint8 array on disk that all runs over the same files share."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model import images
from model.errors import ImageError, StorageError
from model.spec import ImageInput

Progress = Callable[[int, int], None]


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
    if not pixels_file.exists():
        shape = (len(paths), image.height, image.width, 3)
        _require_room(directory, int(np.prod(shape)))
        with _written_whole(pixels_file) as beside:
            pixels = np.lib.format.open_memmap(beside, "w+", np.uint8, shape)
            bad = _decode_all(paths, image, pixels, max_pixels, progress)
            pixels.flush()
            bad_file.write_text(json.dumps(bad), encoding="utf-8")  # before the array, whose name says it is complete
    bad = json.loads(bad_file.read_text(encoding="utf-8"))
    return np.load(pixels_file, mmap_mode="r"), {int(row): reason for row, reason in bad.items()}


def _key(paths: Sequence[Path | None], image: ImageInput, max_pixels: int) -> str:
    """Names the files by path, size and time of change, which costs no reading, and how they are decoded."""
    digest = hashlib.sha256(f"{images.DECODE_VERSION} {image.model_dump_json()} {max_pixels}".encode())
    for path in paths:
        if path is not None and path.is_file():
            status = path.stat()
            digest.update(f"\n{path.absolute()} {status.st_size} {status.st_mtime_ns}".encode())
        else:
            digest.update(f"\n{path}".encode())
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


@contextmanager
def _written_whole(file: Path) -> Iterator[Path]:
    """A path beside `file` to write to, renamed to `file` when all went well and removed otherwise."""
    handle, name = tempfile.mkstemp(prefix=".decoding-", dir=file.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _decode_all(
    paths: Sequence[Path | None],
    image: ImageInput,
    pixels: NDArray[np.uint8],
    max_pixels: int,
    progress: Progress,
) -> dict[int, str]:
    """Decodes every picture into its row of `pixels`; returns the reasons of those that can't be."""

    def decode(row: int) -> str | None:
        path = paths[row]
        if path is None:
            return None
        try:
            pixels[row] = images.decode(
                path.read_bytes(),
                height=image.height,
                width=image.width,
                fit=image.fit,
                max_pixels=max_pixels,
            )
        except ImageError as error:
            return f"{path.name}: {error}"
        except OSError as error:
            return f"{path}: {error.strerror}"
        return None

    bad = {}
    # Threads are enough: Pillow lets go of the interpreter lock while it decodes and resamples.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, reason in enumerate(pool.map(decode, range(len(paths)))):
            if reason is not None:
                bad[row] = reason
            progress(row + 1, len(paths))
    return bad
