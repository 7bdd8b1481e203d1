"""Decoding JPEGs in one thread: ours, Pillow by hand, TensorFlow, OpenCV: `python -m benchmarks.decode`.

Beside each speed stands how near the pixels are to those of decoding whole and resampling with Lanczos, as PSNR; who
is more than 1 dB below ours is not of equal quality. The pictures are a photograph brought to each size, with fine
noise as a sensor has it, JPEG quality 88; all want 128x96, so that nobody has to pad. Each library has a process of
its own, and they take turns; OpenCV is installed by pip into an environment of its own at the first run.

Tuned for the peers: every scale of libjpeg that leaves enough pixels, and their usual filters; TensorFlow compiled as
one function. They do less: ours also checks signature and size, and turns as EXIF says.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_image

from benchmarks.arguments import nothing
from benchmarks.decoders.candidates import Picture, Pixels, name_of, pixels_of, save
from benchmarks.decoders.with_pillow import OURS, WHOLE
from benchmarks.environment import python_with
from benchmarks.interleaved import ROUNDS
from benchmarks.turns import Peer

SIDE_PX = 128
SIZES = ((160, 120), (640, 480), (4000, 3000))
NOISE = 4.0  # standard deviation in grey levels
EQUAL_DB = 1.0
ALIKE = 1.03  # ratios nearer to 1 than this are the noise of turns
SAME_DB = 99.0  # written where not a pixel differs
OPENCV = ("opencv-python-headless==5.0.0.*", "numpy")


@cache
def photo(width: int, height: int, *, seed: int = 0) -> bytes:
    """A photograph as a JPEG of that size: scikit-learn's of a temple, cut to 4:3; another seed, other noise."""
    temple = ImageOps.fit(Image.fromarray(load_sample_image("china.jpg")), (568, 426))
    noise = np.random.default_rng(seed).normal(0, NOISE, (height, width, 1))
    pixels = np.asarray(temple.resize((width, height), Image.Resampling.LANCZOS)) + noise
    stream = BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def by_hand(data: bytes) -> None:
    """What one writes first: decode whole, then pad to the size."""
    image = ImageOps.exif_transpose(Image.open(BytesIO(data))).convert("RGB")
    np.asarray(ImageOps.pad(image, (SIDE_PX, SIDE_PX), method=Image.Resampling.LANCZOS, color="white"))


def psnr(found: Pixels, wanted: Pixels) -> float:
    """Peak signal-to-noise ratio in dB of two pictures of one shape, uint8."""
    error = float(np.mean((found.astype(np.float64) - wanted) ** 2))
    return min(10 * np.log10(255**2 / error), SAME_DB) if error else SAME_DB


def tell(picture: Picture, rates: dict[str, list[float]], quality: dict[str, float]) -> None:
    """Prints the comparison for a picture.

    Args:
        picture: that was decoded.
        rates: by way, pictures/s, one a turn.
        quality: by way the PSNR in dB.
    """
    size = f"{picture.wanted_width}x{picture.wanted_height}"
    print(f"\nDecoding a {picture.name} JPEG to {size}, one thread (median of {len(rates[OURS])} turns)")
    for how, found in sorted(rates.items(), key=lambda item: -statistics.median(item[1])):
        ratio = statistics.median(one / own for one, own in zip(found, rates[OURS], strict=True))
        is_equal = quality[how] >= quality[OURS] - EQUAL_DB
        note = "  faster at equal quality" if is_equal and ratio > ALIKE else "" if is_equal else "  worse"
        speed = f"{statistics.median(found):>9,.0f} pictures/s"
        print(f"  {how:<44} {speed}   {ratio:5.2f} x ours   {quality[how]:5.1f} dB{note}")


def main(sizes: Sequence[tuple[int, int]] = SIZES) -> None:
    """Prints a comparison for each size."""
    pictures = {}
    for width, height in sizes:
        data, count = photo(width, height), 4_000_000 // (width * height) + 2
        pictures[Picture(f"{width}x{height}", width, height, SIDE_PX, SIDE_PX * 3 // 4, count)] = data
    opencv_python = python_with("opencv", *OPENCV)
    with tempfile.TemporaryDirectory(prefix="bifocal-") as folder, ExitStack() as stack:
        save(pictures, Path(folder))
        programs = {"with_pillow": sys.executable, "with_tensorflow": sys.executable, "with_opencv": opencv_python}
        peers = [
            stack.enter_context(Peer([python, "-m", f"benchmarks.decoders.{module}", folder]))
            for module, python in programs.items()
        ]
        for picture in pictures:
            start = name_of(picture, "")
            ways = {name.removeprefix(start): peer for peer in peers for name in peer.names if name.startswith(start)}
            made = {how: pixels_of(Path(folder), name_of(picture, how)) for how in ways}
            rates: dict[str, list[float]] = {how: [] for how in ways}
            for _ in range(ROUNDS):
                for how, peer in ways.items():
                    rates[how].append(peer.rate(name_of(picture, how)))
            tell(picture, rates, {how: psnr(pixels, made[WHOLE]) for how, pixels in made.items()})


if __name__ == "__main__":
    nothing(__doc__)
    main()
