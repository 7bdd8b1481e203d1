"""Pictures and words that say nothing alone: the answer is what the picture shows xor what the words say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from rich.console import Console

from model.spec import ModelSpec
from tests import two_bits
from training.loop import Listener
from training.prepare import Prepared, prepare
from training.progress import Reporter
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
    recipe = two_bits.recipe(two_bits.write(home / "data"))
    data: Prepared = prepare(recipe, cache_dir=home / "cache", reporter=Reporter(Console(quiet=True)))
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
