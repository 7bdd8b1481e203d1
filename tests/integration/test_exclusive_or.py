"""Pictures and words that say nothing alone: the answer is what the picture shows xor what the words say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from model.spec import ModelSpec
from tests import tiny
from training.loop import Listener
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.recipe import Recipe
from training.runs import Run

pytestmark = pytest.mark.slow

MERGES = {
    "concatenate": {},
    "multiply": {},
    "gated": {},
    "film": {},
    "bilinear": {},
    "factorized bilinear": {"kind": "bilinear", "factors": 4},
    "cross_attention": {"units": 16},
}
WORDS = (["night", "dark", "moon"], ["day", "bright", "sun"])


def write(directory: Path, *, rows: int = 1200) -> Path:
    """A bright patch on the left or on the right of a noisy picture; a caption with one telling word among others."""
    random = np.random.default_rng(0)
    (directory / "images").mkdir(parents=True)
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
                "label": "ny"[picture_bit ^ word_bit],
                "split": split,
            }
        )
    return tiny.write_rows(directory / "manifest.csv", lines)


def recipe_of(manifest: Path) -> Recipe:
    return Recipe.parse(
        {
            "name": "xor",
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
            "training": {"epochs": 20, "batch_size": 32, "learning_rate": 0.005, "absent_rate": 0},
        },
        what="recipe",
    )


@dataclass(frozen=True)
class Trainer:
    """Trains specs on one set.

    Args:
        spec: with labels.
        accuracy: trains a spec; its accuracy on the test split.
    """

    spec: ModelSpec
    accuracy: Callable[[ModelSpec], float]


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    from training.fit import learn_vocabularies
    from training.reuse import Reuse
    from training.trained import train_spec

    home = tmp_path_factory.mktemp("xor")
    data: Prepared = prepare(
        recipe_of(write(home / "data")), cache_dir=home / "cache", reporter=Reporter(Console(quiet=True))
    )
    vocabularies = learn_vocabularies(data, Run.create(home, "xor"), Reuse(None))

    def accuracy(spec: ModelSpec) -> float:
        listener = Listener(step=lambda *_: None, epoch=lambda *_: None)
        return train_spec(spec, data, vocabularies, listener).accuracy(data.test.only(spec))["answer"]

    return Trainer(data.recipe.spec, accuracy)


@pytest.mark.parametrize("name", ["image", "text"])
def test_one_alone_says_nothing(trainer: Trainer, name: str) -> None:
    assert 0.35 < trainer.accuracy(trainer.spec.only([name])) < 0.65


@pytest.mark.parametrize("name", MERGES)
def test_merged_they_say_it_all(trainer: Trainer, name: str) -> None:
    data = {**trainer.spec.model_dump(), "merge": {"kind": name, **MERGES[name]}}

    assert trainer.accuracy(ModelSpec.parse(data, what="spec")) >= 0.95
