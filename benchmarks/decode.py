"""Decoding JPEGs: ours, and Pillow called by hand."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from benchmarks.interleaved import compare
from model import images

SIDE_PX = 128
SIZES = ((640, 480), (4000, 3000))


def photo(width: int, height: int, *, seed: int = 0) -> bytes:
    """A JPEG with the smooth and the busy parts of a photo; another one for another seed."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (12, 16, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    noise = random.normal(0, 8, (height, width, 1))
    pixels = np.clip(np.asarray(coarse) + noise, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def by_hand(data: bytes) -> None:
    """What one writes first: decode whole, then pad to the size."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    np.asarray(ImageOps.pad(image, (SIDE_PX, SIDE_PX), method=Image.Resampling.LANCZOS, color="white"))


def ours(data: bytes) -> None:
    """The decoder of training and serving."""
    images.decode(data, height=SIDE_PX, width=SIDE_PX)


def times(count: int, decode: Callable[[bytes], None], data: bytes) -> Callable[[], int]:
    """Decodes a picture some times; returns how often."""

    def run() -> int:
        for _ in range(count):
            decode(data)
        return count

    return run


def main() -> None:
    """Prints a comparison for each size."""
    for width, height in SIZES:
        data, count = photo(width, height), 2_000_000 // (width * height) + 3
        compare(
            f"Decoding a {width}x{height} JPEG to {SIDE_PX}x{SIDE_PX}, one thread",
            {"Pillow, whole, Lanczos": times(count, by_hand, data), "model.images.decode": times(count, ours, data)},
            unit="pictures",
        )


if __name__ == "__main__":
    main()
