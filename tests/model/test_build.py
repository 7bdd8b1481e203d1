"""The wiring."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.build import build
from model.errors import SpecError
from model.spec import ModelSpec

SPEC = ModelSpec.parse(
    {
        "inputs": {
            "front": {"kind": "image", "height": 8, "width": 8},
            "back": {"kind": "image", "height": 12, "width": 8},
            "title": {"kind": "text"},
            "tags": {"kind": "tags"},
        },
        "branches": {
            "front": {"kind": "conv", "filters": [2], "units": 8},
            "back": {"kind": "conv", "filters": [2], "units": 7},
            "title": {"kind": "embedding", "dimension": 2, "units": 5},
            "tags": {"kind": "tags", "dimension": 2, "units": 6},
        },
        "heads": {
            "topic": {"kind": "single_label", "labels": ["news", "sport", "food"]},
            "tone": {"kind": "single_label", "labels": ["dry", "warm"]},
        },
    },
    what="spec",
)
SIZES = {"title": 3, "tags": 2}


@pytest.fixture(autouse=True)
def same_weights_every_time() -> None:
    keras.utils.set_random_seed(2)


def batch(size: int = 2) -> dict[str, tf.Tensor]:
    random = np.random.default_rng(0)
    return {
        "front": tf.constant(random.integers(0, 256, (size, 8, 8, 3)), tf.uint8),
        "back": tf.constant(random.integers(0, 256, (size, 12, 8, 3)), tf.uint8),
        "title.tokens": tf.constant(random.integers(1, 5, (size, 4)), tf.int32),
        "tags.tokens": tf.constant(random.integers(1, 4, (size, 2)), tf.int32),
        **{f"{name}_present": tf.ones([size], tf.bool) for name in SPEC.inputs},
    }


def test_every_branch_is_merged_and_every_head_answers() -> None:
    network = build(SPEC, SIZES)

    outputs = network(batch())
    assert {head: outputs[head].shape for head in SPEC.heads} == {"topic": (2, 3), "tone": (2, 2)}
    assert network.output["merged"].shape == (None, 8 + 7 + 5 + 6)


@pytest.mark.parametrize("name", list(SPEC.inputs))
def test_what_stands_in_place_of_an_absent_input_changes_nothing(name: str) -> None:
    network = build(SPEC, SIZES)
    absent = batch() | {f"{name}_present": tf.zeros([2], tf.bool)}
    key = name if name in absent else f"{name}.tokens"
    other = absent | {key: tf.ones_like(absent[key])}

    np.testing.assert_allclose(network(absent)["topic"], network(other)["topic"], atol=1e-6)
    assert np.abs(network(batch())["topic"] - network(absent)["topic"]).max() > 1e-4


def test_a_head_without_labels_is_named() -> None:
    data = SPEC.model_dump()
    data["heads"]["tone"]["labels"] = ()

    with pytest.raises(SpecError, match="Head 'tone' has no labels; expected at least 2"):
        build(ModelSpec.parse(data, what="spec"), SIZES)
