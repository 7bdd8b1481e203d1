"""The optimisation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from model.build import build
from model.encoder import Encoder
from model.errors import SpecError
from tests import tiny
from training.loop import Epoch, Listener, forward_pass, predict_logits, train
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.training_settings import TrainingSettings


@pytest.fixture
def prepared(tiny_manifest: Path, tmp_path: Path, reporter: Reporter) -> Prepared:
    return prepare(tiny.recipe(tiny_manifest), cache_dir=tmp_path, reporter=reporter)


Train = Callable[..., tuple[list[Epoch], list[tuple[Epoch, bool]], keras.Model, Encoder]]


@pytest.fixture
def run(prepared: Prepared, tmp_path: Path) -> Train:
    """Trains on the picture alone, with settings changed as asked."""
    spec = prepared.recipe.spec.only(["image"])

    def run(**changes: object) -> tuple[list[Epoch], list[tuple[Epoch, bool]], keras.Model, Encoder]:
        keras.utils.set_random_seed(0)
        encoder, network = Encoder(spec, {}), build(spec, {})
        told: list[tuple[Epoch, bool]] = []
        listener = Listener(step=lambda *_: None, epoch=lambda epoch, best: told.append((epoch, best)))
        settings = TrainingSettings.parse({"batch_size": 8, "learning_rate": 0.03, **changes}, what="training")
        course = train(
            network,
            encoder,
            spec,
            training=prepared.train.only(spec),
            validation=prepared.val.only(spec),
            settings=settings,
            listener=listener,
        )
        return course.history, told, network, encoder

    return run


def test_the_loss_falls(run: Train) -> None:
    history, *_ = run(epochs=10)

    assert history[-1].loss < 0.7 * history[0].loss


def test_the_weights_of_the_best_epoch_are_kept(run: Train, prepared: Prepared) -> None:
    history, told, network, encoder = run(epochs=10, learning_rate=0.2)
    best = [epoch for epoch, is_best in told if is_best][-1]
    spec = prepared.recipe.spec.only(["image"])
    logits = predict_logits(forward_pass(network, encoder, spec), prepared.val.only(spec))["colour"]

    accuracy = float((logits.argmax(axis=1) == prepared.val.targets["colour"]).mean())
    assert accuracy == best.val_accuracy == max(epoch.val_accuracy for epoch in history)
    assert best is not history[-1]  # or this test would prove nothing


def test_equals_in_accuracy_are_settled_by_loss(run: Train) -> None:
    _, told, *_ = run(epochs=10)
    scores = [(epoch.val_accuracy, -epoch.val_loss) for epoch, _ in told]

    assert [best for _, best in told] == [score == max(scores[: at + 1]) for at, score in enumerate(scores)]


def test_the_epoch_can_be_chosen_by_loss(run: Train) -> None:
    _, told, *_ = run(epochs=8, monitor="loss")
    losses = [epoch.val_loss for epoch, _ in told]

    assert [best for _, best in told] == [loss == min(losses[: at + 1]) for at, loss in enumerate(losses)]


def test_patience_stops_a_training_that_no_longer_gets_better(run: Train) -> None:
    history, told, *_ = run(epochs=200, patience=2, learning_rate=0.5)

    assert len(history) < 200
    assert [best for _, best in told[-2:]] == [False, False]
    assert told[-3][1]


def test_one_epoch_of_one_batch_trains(run: Train) -> None:
    history, *_ = run(epochs=1, batch_size=64)

    assert len(history) == 1
    assert np.isfinite(history[0].loss)


def test_a_training_that_diverges_is_stopped_with_a_hint(run: Train) -> None:
    with pytest.raises(SpecError, match=r"The loss became (inf|nan) in epoch \d+: .* Lower training\.learning_rate"):
        run(epochs=50, learning_rate=9.9, weight_decay=9.9)
