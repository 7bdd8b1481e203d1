"""Trainings whose convolutions are computed by native code."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from model.branches.convolving import convolutions_of
from model.build import build
from model.encoder import Encoder
from model.native import library
from model.spec import ModelSpec
from model.winograd.convolver import Convolver
from tests import tiny
from tests.native import needs_native
from training.checkpoint import Checkpoint
from training.course import Course
from training.epoch import Listener
from training.forward import constants, forward_pass
from training.loop import train
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.training_settings import Convolutions, TrainingSettings

pytestmark = needs_native

SETTINGS = TrainingSettings.parse({"epochs": 3, "batch_size": 8, "learning_rate": 0.01}, what="training")


@pytest.fixture
def prepared(tiny_manifest: Path, tmp_path: Path, reporter: Reporter) -> Prepared:
    return prepare(tiny.recipe(tiny_manifest), cache_dir=tmp_path / "cache", reporter=reporter)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the native functions were called."""
    made: list[str] = []
    for name in ("convolve", "kernel_gradient"):
        function = getattr(Convolver, name)

        def counted(*arguments: object, name: str = name, function: object = function, **options: object) -> object:
            made.append(name)
            return function(*arguments, **options)

        monkeypatch.setattr(Convolver, name, counted)
    return made


def spec_of(data: Prepared) -> ModelSpec:
    """Of the picture alone, with numbers of channels that native code takes."""
    spec = data.recipe.spec.only(["image"]).model_dump(mode="json")
    spec["branches"]["image"] |= {"filters": [8, 16], "dropout": 0.0}
    return ModelSpec.parse(spec, what="spec")


class BrokenOffError(Exception):
    """In the midst of a training."""


def trained(
    data: Prepared, convolutions: Convolutions, checkpoint: Checkpoint | None = None, *, steps: int | None = None
) -> tuple[Course, keras.Model]:
    """A training, broken off after some steps if they are given."""

    def step(done: int, *_: object) -> None:
        if done == steps:
            raise BrokenOffError

    spec = spec_of(data)
    keras.utils.set_random_seed(0)
    encoder, network = Encoder(spec, {}), build(spec, {})
    course = train(
        network,
        encoder,
        spec,
        training=data.train.only(spec),
        validation=data.val.only(spec),
        settings=SETTINGS,
        listener=Listener(step, lambda *_: None),
        convolutions=convolutions,
        checkpoint=checkpoint,
    )
    return course, network


def test_it_learns_what_tensorflow_learns(prepared: Prepared, calls: list[str]) -> None:
    right, _ = trained(prepared, "tensorflow")
    assert not calls
    found, network = trained(prepared, "winograd")
    steps = 3 * -(-len(prepared.train) // SETTINGS.batch_size)
    # Two convolutions, both of whose kernels have a gradient, and the second one's input.
    assert (calls.count("convolve"), calls.count("kernel_gradient")) == (3 * steps, 2 * steps)

    assert [layer.fits_native_code for layer in convolutions_of(network)] == [True, True]

    losses = [[one.loss for one in course.history] for course in (found, right)]
    np.testing.assert_allclose(*losses, rtol=1e-3)
    spec = spec_of(prepared)
    calls.clear()
    forward_pass(network, Encoder(spec, {}), spec)(constants(prepared.val.only(spec).batch(np.arange(3))))
    assert not calls  # nor has what is exported


def test_a_training_that_goes_on_computes_as_it_began(prepared: Prepared, tmp_path: Path, calls: list[str]) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz", every_s=1000)
    with pytest.raises(BrokenOffError):
        trained(prepared, "winograd", checkpoint, steps=2)
    calls.clear()

    course, _ = trained(prepared, "tensorflow", checkpoint)
    assert course.convolutions == "winograd"
    assert calls


def test_a_training_goes_on_by_tensorflow_where_there_is_no_native_code_any_more(
    prepared: Prepared, tmp_path: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint.npz", every_s=1000)
    with pytest.raises(BrokenOffError):
        trained(prepared, "winograd", checkpoint, steps=2)
    assert calls
    calls.clear()

    monkeypatch.setattr(library, "find_spec", lambda name: None)
    library._found.cache_clear()
    try:
        course, _ = trained(prepared, "tensorflow", checkpoint)
    finally:
        monkeypatch.undo()
        library._found.cache_clear()
    assert course.convolutions == "tensorflow"
    assert not calls


def test_the_same_training_gives_the_same_weights(prepared: Prepared) -> None:
    first, second = (trained(prepared, "winograd")[1].get_weights() for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_gradients_reach_through_a_step_of_any_batch_size(prepared: Prepared) -> None:
    assert len(prepared.train) % SETTINGS.batch_size  # the last batch of an epoch is smaller
    course, network = trained(prepared, "winograd")
    assert all(np.isfinite(weights).all() for weights in network.get_weights())
    assert course.history[-1].loss < course.history[0].loss
