"""A set of photo-like pictures with captions, and the faults that are planted in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from tests import tiny
from training.recipe import Recipe
from training.recipe_columns import from_columns

LABELS = ("boat", "tree", "house")
SPLITS = ("train", "train", "train", "val", "test")


@dataclass
class Planted:
    """Rows and where their faults are, by row number.

    Args:
        rows: of the table.
        broken: rows whose picture can't be used.
        twins: rows of val or test with the row of an earlier split that they repeat.
        contradicting: pairs of rows with the same content and different labels.
        telling: rows whose caption contains their label.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    twins: dict[int, int] = field(default_factory=dict)
    contradicting: list[tuple[int, int]] = field(default_factory=list)
    telling: list[int] = field(default_factory=list)

    def rows_of(self, split: str) -> list[int]:
        return [number for number, row in enumerate(self.rows, 1) if row["split"] == split]


def sound(directory: Path, *, rows: int, seed: int = 0) -> Planted:
    """A set without faults: soft fields of colour with a few blocks, and plain pictures and drawings among them."""
    random = np.random.default_rng(seed)
    (directory / "images").mkdir(parents=True)
    made = Planted()
    for row in range(rows):
        name = f"images/{row}.png"
        _picture(random, row).save(directory / name)
        words = " ".join(random.choice(["alpha", "beta", "gamma", "delta", "epsilon"], 3))
        made.rows.append(
            {"image": name, "caption": f"{words} {row}", "label": LABELS[row % 3], "split": SPLITS[row // 3 % 5]}
        )
    return made


def _picture(random: np.random.Generator, row: int) -> Image.Image:
    if row % 15 == 7:  # of one colour, each of another
        return Image.new("RGB", (96, 72), tuple(random.integers(0, 256, 3).tolist()))
    if row % 15 == 11:  # a drawing on white: most of the hash is 0
        pixels = np.full((72, 96, 3), 255, np.uint8)
        top, left = random.integers(5, 50), random.integers(5, 70)
        pixels[top : top + random.integers(8, 20), left : left + random.integers(8, 20)] = random.integers(0, 200, 3)
        return Image.fromarray(pixels)
    field = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(
        (96, 72), Image.Resampling.BICUBIC
    )
    pixels = np.array(field)
    for _ in range(3):
        top, left = random.integers(0, 60), random.integers(0, 80)
        pixels[top : top + 12, left : left + 16] = random.integers(0, 256, 3)
    return Image.fromarray(pixels)


def plant(directory: Path, made: Planted, *, broken: int, twins: int, contradicting: int) -> None:
    """Plants faults, each in rows of its own, in rows with photo-like pictures."""
    free = {
        split: [row for row in made.rows_of(split) if (row - 1) % 15 not in (7, 11)]
        for split in ("train", "val", "test")
    }
    for number in range(broken):
        row = free["train"].pop()
        made.broken.append(row)
        _break(directory / made.rows[row - 1]["image"], number)
    for number in range(twins):
        later, earlier = free[("val", "test")[number % 2]].pop(), free["train"].pop()
        made.twins[later] = earlier
        _repeat(directory, made.rows[later - 1], made.rows[earlier - 1], number)
    for _ in range(contradicting):
        first, second = free["train"].pop(), free["train"].pop()
        while made.rows[first - 1]["label"] == made.rows[second - 1]["label"]:
            second = free["train"].pop()
        made.contradicting.append((min(first, second), max(first, second)))
        shutil.copy(directory / made.rows[first - 1]["image"], directory / made.rows[second - 1]["image"])
        made.rows[second - 1]["caption"] = made.rows[first - 1]["caption"].upper() + " "
    for _ in range(3):
        row = free["train"].pop()
        made.telling.append(row)
        made.rows[row - 1]["caption"] += f". Two {made.rows[row - 1]['label']}s!"


def _break(file: Path, number: int) -> None:
    data = file.read_bytes()
    if number % 4 == 3:
        file.unlink()
    else:
        file.write_bytes((b"", data[: len(data) // 2], b"<html>not found</html>")[number % 4])


def _repeat(directory: Path, later: dict[str, str], earlier: dict[str, str], number: int) -> None:
    """The same picture under another name: the file itself, saved anew as JPEG or WebP, or smaller."""
    file = directory / earlier["image"]
    later["image"] = f"images/twin-{number}" + (".png", ".jpg", ".webp", ".png")[number % 4]
    with Image.open(file) as opened:
        image = opened.copy()
    if number % 4 == 0:
        shutil.copy(file, directory / later["image"])
    elif number % 4 == 3:
        image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS).save(directory / later["image"])
    else:
        image.save(directory / later["image"], quality=60)


def write(directory: Path, made: Planted) -> Recipe:
    """Writes the table; a recipe for it."""
    file = tiny.write_rows(directory / "table.csv", made.rows)
    return from_columns(
        file, name="planted", image=["image"], text=["caption"], tags=[], label=["label"], split="split"
    )
