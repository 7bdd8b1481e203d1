"""A tiny data set and the recipe for a tiny model on it: seconds to train, and right far more often than chance."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from training.recipe import Recipe

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 60, 220)}
WORDS = {"red": ["tomato", "cherry"], "green": ["grass", "leaf"], "blue": ["sky", "sea"]}
FIELDS = ("image", "caption", "tags", "label", "group", "split")


def write_manifest(directory: Path, *, rows: int = 60, seed: int = 0) -> Path:
    """Plain coloured pictures with a word and a tag; every fifth picture and every seventh caption is absent."""
    random = np.random.default_rng(seed)
    (directory / "images").mkdir(parents=True)
    lines = []
    for row in range(rows):
        label = list(COLOURS)[row % 3]
        noise = random.integers(-25, 25, (20, 16, 3))
        pixels = np.clip(np.array(COLOURS[label]) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(directory / "images" / f"{row}.png")
        lines.append(
            {
                "image": "" if row % 5 == 4 else f"images/{row}.png",
                "caption": "" if row % 7 == 6 else f"a {random.choice(WORDS[label])} number {row}",
                "tags": f"{label}ish,thing",
                "label": label,
                "group": f"g{row // 2}",
                "split": ("train", "train", "train", "val", "test")[row // 3 % 5],
            }
        )
    return write_rows(directory / "manifest.csv", lines)


def write_rows(file: Path, rows: list[dict[str, str]]) -> Path:
    """A CSV of rows with the columns of the first."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return file


def recipe(manifest: Path, *, name: str = "tiny", **training: object) -> Recipe:
    """A recipe whose model trains in about a second."""
    return Recipe.parse(
        {
            "name": name,
            "data": {
                "manifest": manifest,
                "columns": {"image": "image", "text": "caption", "tags": "tags"},
                "labels": {"colour": "label"},
                "split": {"column": "split"},
            },
            "spec": {
                "inputs": {
                    "image": {"kind": "image", "height": 12, "width": 10},
                    "text": {"kind": "text"},
                    "tags": {"kind": "tags"},
                },
                "branches": {
                    "image": {"kind": "conv", "filters": [4, 6], "units": 8},
                    "text": {
                        "kind": "embedding",
                        "dimension": 6,
                        "units": 8,
                        "tokenizer": {"kind": "words", "max_tokens": 8},
                    },
                    "tags": {"kind": "tags", "dimension": 4, "units": 3},
                },
                "trunk": {"units": [8]},
                "heads": {"colour": {"kind": "single_label"}},
            },
            "training": {"epochs": 12, "batch_size": 8, "learning_rate": 0.03, **training},
        },
        what="recipe",
    )


def only(recipe: Recipe, *inputs: str) -> Recipe:
    """The same recipe with some of its inputs; rows without any of them are left out."""
    data = recipe.model_dump()
    data["data"] |= {"columns": {name: data["data"]["columns"][name] for name in inputs}, "max_bad": 0.5}
    for part in ("inputs", "branches"):
        data["spec"][part] = {name: data["spec"][part][name] for name in inputs}
    return Recipe.parse(data, what="recipe")
