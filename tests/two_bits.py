"""Pictures and captions with one bit each, and labels made of the two: who needs what is known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests import tiny
from training.recipe import Recipe

WORDS = (["night", "dark", "moon"], ["day", "bright", "sun"])


def exclusive_or(picture_bit: int, word_bit: int) -> int:
    """Either says nothing alone."""
    return picture_bit ^ word_bit


def of_the_words(picture_bit: int, word_bit: int) -> int:
    """The picture is noise."""
    return word_bit


def write(
    directory: Path, *, rows: int = 1200, answer: Callable[[int, int], int] = exclusive_or, mistakes: float = 0.0
) -> Path:
    """A bright patch on the left or on the right of a noisy picture; a caption with one telling word among others.

    Args:
        directory: made here.
        rows: how many.
        answer: the bits of picture and caption to that of the label.
        mistakes: share of the labels that are turned round.
    """
    random = np.random.default_rng(0)
    (directory / "images").mkdir(parents=True)
    wrong = np.random.default_rng(1).random(rows) < mistakes
    lines = []
    for row in range(rows):
        picture_bit, word_bit = random.integers(0, 2, 2)
        pixels = random.integers(0, 120, (16, 16, 3))
        column = random.integers(0, 5) + 8 * picture_bit
        pixels[random.integers(0, 12) :][:4, column : column + 4] += 130
        Image.fromarray(pixels.astype(np.uint8)).save(directory / "images" / f"{row}.png")
        words = ["some", "thing", str(random.choice(WORDS[word_bit])), str(random.integers(0, 5))]
        random.shuffle(words)
        split = "train" if row < rows * 0.6 else "val" if row < rows * 0.7 else "test"
        lines.append(
            {
                "image": f"images/{row}.png",
                "caption": " ".join(words),
                "label": "ny"[answer(int(picture_bit), int(word_bit)) ^ int(wrong[row])],
                "split": split,
            }
        )
    return tiny.write_rows(directory / "manifest.csv", lines)


def recipe(manifest: Path, *, name: str = "xor", **training: object) -> Recipe:
    """A recipe whose model learns it in seconds."""
    return Recipe.parse(
        {
            "name": name,
            "data": {
                "manifest": manifest,
                "columns": {"image": "image", "text": "caption"},
                "labels": {"answer": "label"},
                "split": {"column": "split"},
            },
            "spec": {
                "inputs": {"image": {"kind": "image", "height": 16, "width": 16}, "text": {"kind": "text"}},
                "branches": {
                    # Flattened: which side the patch is on must not be averaged away.
                    "image": {"kind": "conv", "filters": [8, 16], "pooling": "flatten", "units": 16, "dropout": 0.2},
                    "text": {"kind": "embedding", "dimension": 16, "units": 16, "dropout": 0},
                },
                "trunk": {"units": [32], "dropout": 0},
                "heads": {"answer": {"kind": "single_label"}},
            },
            "training": {"epochs": 20, "batch_size": 32, "learning_rate": 0.005, "absent_rate": 0, **training},
        },
        what="recipe",
    )
