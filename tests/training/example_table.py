"""One table that all example recipes can be trained on, with small pictures."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

from tests import tiny

CAPTIONS = ("a dog runs <end>", "the red mug <end>", "a lamp <end>", "the dog <end>")
LABELS = {
    "category": ("mug", "lamp", "shoe"),
    "condition": ("new", "used"),
    "colours": ("blue, white", "red", "", "white"),
    "topic": ("delivery", "returns"),
    "urgency": ("high", "low", "none"),
    "food": ("poor", "fair", "good"),
    "service": ("good", "poor", "fair"),
    "price": ("fair", "good", "good"),  # never poor; the other two columns say what that is
    "digit": tuple("0123456789"),  # four rows each, of which each split must get some
    "split": ("train", "train", "train", "val", "test"),
}
# How often the cell of an input is empty.
GAPS = {"image": 16, "title": 7, "description": 6, "tags": 5, "bottom": 4}


def write(directory: Path, *, rows: int = 40) -> Path:
    """Writes table.csv and the pictures it names; returns the table."""
    random = np.random.default_rng(0)
    (directory / "pictures").mkdir(parents=True)
    beginnings = list(islice(cycle(_beginnings()), rows))
    lines = []
    for row in range(rows):
        line = {name: values[row % len(values)] for name, values in LABELS.items()}
        picture = f"pictures/{row}.png"
        Image.fromarray(random.integers(0, 256, (30, 24, 3), dtype=np.uint8)).save(directory / picture)
        line |= dict.fromkeys(("image", "file", "top", "bottom"), picture)
        words = f"{line['category']} {line['condition']} {line['urgency']}"
        line |= {"title": words, "description": f"It is {words}, number {row}.", "text": words, "review": words}
        line |= {"tags": f"{line['category']},{line['condition']}"}
        line |= {name: "" for name, every in GAPS.items() if row % every == every - 1}
        line["beginning"], line["next_word"] = beginnings[row]
        lines.append(line)
    return tiny.write_rows(directory / "table.csv", lines)


def _beginnings() -> list[tuple[str, str]]:
    """A row for each word of the captions: what stands before it, and the word."""
    return [(" ".join(words[:place]), word) for words in map(str.split, CAPTIONS) for place, word in enumerate(words)]
