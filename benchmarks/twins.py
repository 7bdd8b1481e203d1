"""How many copies of pictures the data check finds, how many it sees where there are none, and how long it searches.

python -m benchmarks.twins DIR [DIR ...]      (each holds pictures, no two of them alike)
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model import images
from training.cache.picture import difference_hash
from training.check.alike import alike
from training.check.duplicates import is_plain
from training.check.near import near
from training.pipeline import Held

SIDE = 64
COPIES = 300


def saved(image: Image.Image, format: str, **options: int) -> bytes:  # noqa: A002 - as Pillow calls it
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def scaled(image: Image.Image, factor: float) -> bytes:
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return saved(image.resize(size, Image.Resampling.LANCZOS), "PNG")


WAYS: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG, quality 75": lambda image: saved(image, "JPEG", quality=75),
    "JPEG, quality 50": lambda image: saved(image, "JPEG", quality=50),
    "WebP, quality 70": lambda image: saved(image, "WEBP", quality=70),
    "half the size": lambda image: scaled(image, 0.5),
    "twice the size": lambda image: scaled(image, 2),
}


def opaque(file: Path) -> Image.Image:
    with Image.open(file) as image:
        colours = image.convert("RGBA")
    white = Image.new("RGBA", colours.size, "white")
    return Image.alpha_composite(white, colours).convert("RGB")


def hashes_of(pictures: NDArray[np.uint8]) -> NDArray[np.uint64]:
    return np.array([difference_hash(picture) for picture in pictures], np.uint64)


def twins(asked: NDArray[np.uint8], others: NDArray[np.uint8]) -> set[tuple[int, int]]:
    """Indices of those asked and the others that look the same."""
    hashes = hashes_of(asked)
    query, hit = near(hashes, hashes_of(others))
    same = alike(Held(np.concatenate([asked, others])), query, hit + len(asked)) & ~is_plain(hashes)[query]
    return set(zip(query[same].tolist(), hit[same].tolist(), strict=True))


def recall(directory: Path) -> None:
    files = sorted(file for file in directory.iterdir() if file.is_file())
    pictures = np.stack([images.decode(file.read_bytes(), height=SIDE, width=SIDE) for file in files])
    halves = np.random.default_rng(0).permutation(len(files))
    first, second = np.array_split(halves, 2)
    alarms = len(twins(pictures[first], pictures[second]))
    print(f"{directory}: {len(files)} pictures; {alarms} look-alikes between two halves")
    chosen = halves[:COPIES]
    for name, way in WAYS.items():
        copies = np.stack([images.decode(way(opaque(files[at])), height=SIDE, width=SIDE) for at in chosen])
        found = twins(copies, pictures)
        hits = sum((number, int(at)) in found for number, at in enumerate(chosen))
        print(f"  {name:<17} {hits} of {len(chosen)} copies found")


def scaling() -> None:
    """Seconds for 15 % of the rows against 85 %, as for a test split, at two sizes in turn."""
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, 200_000, dtype=np.uint64)
    seconds: dict[int, list[float]] = {20_000: [], 200_000: []}
    for _ in range(3):
        for rows, times in seconds.items():
            started = time.perf_counter()
            near(hashes[: rows * 15 // 100], hashes[rows * 15 // 100 : rows])
            times.append(time.perf_counter() - started)
    few, many = (min(times) for times in seconds.values())
    print(f"searching 200,000 random hashes takes {many / few:.0f} times as long as 20,000 ({many:.1f} s here)")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        recall(Path(argument))
    scaling()
