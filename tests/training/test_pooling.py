"""How much each answer of a head counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from model.build import FUSION
from tests import tiny
from training import pooling
from training.epoch import Listener
from training.fit import learn_vocabularies
from training.forward import forward_pass, predict_logits
from training.pipeline import Examples
from training.pooling import all_pooled, shares
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.reuse import Reuse
from training.runs import Run
from training.trained import Trained, train_spec


def answers(targets: np.ndarray, *, sureness: list[float], right: list[float], seed: int = 0) -> np.ndarray:
    """Answers that are right so often and as sure of it whether they are or not."""
    random = np.random.default_rng(seed)
    classes = 4
    logits = []
    for sure, often in zip(sureness, right, strict=True):
        said = np.where(random.random(len(targets)) < often, targets, random.integers(0, classes, len(targets)))
        logits.append(np.eye(classes)[said] * sure)
    return np.array(logits)


def test_an_answer_that_is_chance_counts_nothing_however_sure_it_is() -> None:
    targets = np.random.default_rng(1).integers(0, 4, 2000)

    found = shares(answers(targets, sureness=[3, 12], right=[0.7, 0]), targets)

    assert found[0] > 0.5
    assert found[1] < 0.02


def test_one_that_is_right_half_the_time_says_no_more_than_that() -> None:
    targets = np.random.default_rng(2).integers(0, 4, 4000)

    (found,) = shares(answers(targets, sureness=[10], right=[0.5]), targets)

    # Right in 0.5 + 0.5 / 4 of the cases: the odds against each other label are 0.625 to 0.125.
    assert found == pytest.approx(np.log(5) / 10, rel=0.05)


def test_few_rows_that_are_all_right_change_little() -> None:
    targets = np.array([0, 1, 2])

    assert shares(np.eye(4)[None, targets] * 5, targets) == pytest.approx([1], abs=0.2)


def test_labels_that_may_be_several_are_weighed_one_by_one() -> None:
    random = np.random.default_rng(3)
    targets = random.random((800, 3)) < 0.4
    told = np.where(targets, 2.0, -2.0) + random.normal(0, 2, targets.shape)

    found = shares(np.stack([told, random.normal(0, 5, targets.shape)]), targets)

    assert found[0] == pytest.approx(1, abs=0.15)
    assert found[1] < 0.05


def test_of_very_many_rows_some_settle_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = np.random.default_rng(4).integers(0, 4, 4000)
    given = answers(targets, sureness=[3, 5], right=[0.7, 0.5])
    whole = shares(given, targets)
    monkeypatch.setattr(pooling, "_MOST_NUMBERS", 2 * 4 * 1000)  # a thousand rows

    assert shares(given, targets) == pytest.approx(whole, rel=0.1)
    assert (shares(given, targets) != whole).all()


@pytest.fixture(scope="module")
def trained_with_copies(tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Trained]:
    """A head that adds its copies, whose weights hardly move."""
    home = tmp_path_factory.mktemp("copies")
    head = {"kind": "single_label", "auxiliary_weight": 1.0, "add_auxiliary": True}
    recipe = tiny.recipe(tiny_manifest, epochs=2, learning_rate=1e-6).replace(spec={"heads": {"colour": head}})
    data = prepare(recipe, cache_dir=home / "cache", reporter=Reporter(Console(quiet=True)))
    vocabularies = learn_vocabularies(data, Run.create(home, "tiny"), Reuse(None))
    listener = Listener(step=lambda *_: None, epoch=lambda *_: None)
    return data, train_spec(data.recipe.spec, data, vocabularies, listener)


def test_training_weighs_what_it_adds_on_the_validation_rows(trained_with_copies: tuple[Prepared, Trained]) -> None:
    data, trained = trained_with_copies
    names = all_pooled(trained.spec)
    forward = forward_pass(trained.network, trained.encoder, trained.spec, names=names)

    def fitted_on(rows: Examples) -> np.ndarray:
        told = predict_logits(forward, rows)
        return shares([told[name] for name in names], rows.targets["colour"])

    found = trained.network.get_layer(FUSION).get_layer("colour.pool").shares.numpy()
    assert found == pytest.approx(fitted_on(data.val), abs=1e-4)
    assert found != pytest.approx(fitted_on(data.train), abs=0.01)


def test_the_loss_of_training_is_of_the_same_as_that_of_validation(
    trained_with_copies: tuple[Prepared, Trained],
) -> None:
    _, trained = trained_with_copies
    last = trained.history[-1]

    assert last.loss == pytest.approx(last.val_loss, rel=0.35)  # and not the five times as much that is made small
