"""What the decoders are told, and how they answer. NumPy and the standard library alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.turns import take_turns, timed

Pixels = NDArray[np.uint8]  # (height, width, 3), RGB
SCALES = (1, 2, 4, 8)  # that libjpeg can decode at


@dataclass(frozen=True)
class Picture:
    """An encoded picture, and the size wanted; of its own shape, so that nothing is to be cut or padded.

    Args:
        name: of its file, as `640x480`.
        width, height: in pixels.
        wanted_width, wanted_height: likewise.
        turns: how often it is decoded in a turn.
    """

    name: str
    width: int
    height: int
    wanted_width: int
    wanted_height: int
    turns: int

    def scales(self) -> list[int]:
        """Those that leave at least the pixels wanted."""
        return [scale for scale in SCALES if self.width >= scale * self.wanted_width]


def save(pictures: Mapping[Picture, bytes], folder: Path) -> None:
    """Writes pictures down for `load`."""
    (folder / "pictures.json").write_text(json.dumps([asdict(picture) for picture in pictures]), encoding="utf-8")
    for picture, data in pictures.items():
        (folder / f"{picture.name}.jpg").write_bytes(data)


def load(folder: Path) -> Iterator[tuple[Picture, bytes]]:
    """What `save` wrote."""
    for told in json.loads((folder / "pictures.json").read_text(encoding="utf-8")):
        picture = Picture(**told)
        yield picture, (folder / f"{picture.name}.jpg").read_bytes()


def name_of(picture: Picture, how: str) -> str:
    """Of a candidate."""
    return f"{picture.name} {how}"


def pixels_of(folder: Path, name: str) -> Pixels:
    """What a candidate made."""
    return np.load(folder / f"{name}.npy")


def decode_in_turn(folder: Path, ways: Callable[[Picture], Mapping[str, Callable[[bytes], Pixels]]]) -> None:
    """Writes what each candidate makes of its picture, then takes turns.

    Args:
        folder: of the pictures.
        ways: for a picture by name the ways to decode it.
    """
    candidates = {}
    for picture, data in load(folder):
        for how, decode in ways(picture).items():
            name = name_of(picture, how)
            np.save(folder / f"{name}.npy", decode(data))
            candidates[name] = timed(_several(picture.turns, decode, data))
    take_turns(candidates, facts={})


def _several(count: int, decode: Callable[[bytes], Pixels], data: bytes) -> Callable[[], int]:
    def run() -> int:
        for _ in range(count):
            decode(data)
        return count

    return run
