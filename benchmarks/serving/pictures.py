"""What is asked: JPEGs as cameras make them, small, middling and large, each with words of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.decode import photo
from benchmarks.serving.folder import made

_SIZES = {"160x120": (160, 120), "640x480": (640, 480), "4000x3000": (4000, 3000)}
MIX = "mix"
NAMES = (*_SIZES, MIX)
USUAL, LARGE = "640x480", "4000x3000"
_DIFFERENT = {"160x120": 16, "640x480": 16, "4000x3000": 4}
# Of 20 pictures; most are what a web page shows, and now and then comes one straight from a phone.
_MIXED = {"160x120": 6, "640x480": 13, "4000x3000": 1}


@dataclass(frozen=True)
class Asked:
    """What one request asks about.

    Args:
        image: an encoded picture.
        text: words.
    """

    image: bytes
    text: str


def requests_of(name: str) -> Sequence[Asked]:
    """The different pictures of a size, or a mix of the sizes.

    Args:
        name: of `NAMES`.
    """
    if name == MIX:
        mixed = [(size, number) for size, count in _MIXED.items() for number in range(count)]
        order = np.random.default_rng(3).permutation(len(mixed))
        return [_asked(*mixed[at]) for at in order]
    return [_asked(name, number) for number in range(_DIFFERENT[name])]


def words(random: np.random.Generator) -> str:
    """A caption of three to twelve made-up words, the commoner the lower their number."""
    ranks = np.minimum(random.zipf(1.3, random.integers(3, 13)), 20_000)
    return " ".join(_word(int(rank)) for rank in ranks)


def _word(rank: int) -> str:
    letters = np.random.default_rng(rank).integers(0, 26, 3 + rank % 6)
    return "".join(chr(ord("a") + letter) for letter in letters)


def _asked(size: str, number: int) -> Asked:
    file = made("pictures") / f"{size}-{number}.jpg"
    if not file.is_file():
        written = file.with_suffix(".part")
        written.write_bytes(photo(*_SIZES[size], seed=number))
        written.rename(file)
    return Asked(file.read_bytes(), words(np.random.default_rng([number, *_SIZES[size]])))
