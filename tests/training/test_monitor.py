"""The validation figure that chooses the epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.spec import ModelSpec
from tests import tiny
from training.monitor import Monitor

TARGETS = np.array([0, 0, 0, 1], np.int32)
# Three of four right: the accuracy is .75, the mean recall (2/3 + 1) / 2.
PROBABILITIES = np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.1, 0.9, 0], [0.2, 0.8, 0]], np.float32)


@pytest.fixture
def spec() -> ModelSpec:
    data = tiny.recipe(Path("m.csv")).spec.model_dump()
    data["heads"] = {name: {"kind": "single_label", "labels": ["a", "b", "c"]} for name in ("one", "two")}
    return ModelSpec.parse(data, what="spec")


def value(name: str, spec: ModelSpec) -> float:
    probabilities = {"one": PROBABILITIES, "two": np.eye(3, dtype=np.float32)[TARGETS]}
    return Monitor(name, spec).value(0.5, {"one": 0.4, "two": 0.1}, probabilities, {"one": TARGETS, "two": TARGETS})


def test_it_is_the_mean_over_the_heads_or_that_of_one(spec: ModelSpec) -> None:
    assert value("accuracy", spec) == pytest.approx((0.75 + 1) / 2)
    assert value("one.accuracy", spec) == pytest.approx(0.75)
    assert value("one.balanced_accuracy", spec) == pytest.approx(5 / 6)
    assert [value("loss", spec), value("one.loss", spec)] == [0.5, 0.4]


def test_a_network_without_the_head_looks_at_those_it_has(spec: ModelSpec) -> None:
    assert value("three.accuracy", spec) == value("accuracy", spec)


def test_higher_is_better_but_for_the_loss_and_the_other_settles_ties(spec: ModelSpec) -> None:
    of_accuracy, of_loss = (Monitor(name, spec).score for name in ("accuracy", "one.loss"))

    assert of_accuracy(0.8, 2.0, 0.8) > of_accuracy(0.7, 1.0, 0.7)
    assert of_accuracy(0.8, 1.0, 0.8) > of_accuracy(0.8, 2.0, 0.8)
    assert of_loss(1.0, 1.5, 0.7) > of_loss(2.0, 1.0, 0.8)
    assert of_loss(1.0, 1.5, 0.8) > of_loss(1.0, 1.5, 0.7)
