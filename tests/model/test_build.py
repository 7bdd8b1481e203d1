"""The wiring."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.build import build
from model.encoder import Encoder, learn_vocabulary
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
            "tags": {"kind": "embedding", "dimension": 2, "units": 6},
        },
        "heads": {"topic": {"labels": ["news", "sport", "food"]}, "tone": {"labels": ["dry", "warm"]}},
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

    assert {head: logits.shape for head, logits in network(batch()).items()} == {"topic": (2, 3), "tone": (2, 2)}
    assert network.get_layer("merge.concatenate").output.shape == (None, 8 + 7 + 5 + 6)


def test_a_gradient_reaches_every_weight() -> None:
    network = build(SPEC, SIZES)
    tensors = batch(16) | {f"{name}_present": tf.constant([True, False] * 8) for name in SPEC.inputs}
    with tf.GradientTape() as tape:
        loss = tf.add_n([tf.reduce_sum(logits**2) for logits in network(tensors, training=True).values()])

    gradients = tape.gradient(loss, [variable.value for variable in network.trainable_variables])
    assert all(gradient is not None for gradient in gradients)


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


@pytest.fixture
def encoder(tmp_path: Path) -> Encoder:
    (tmp_path / "title.txt").write_text("mug\nred\n")
    (tmp_path / "tags.txt").write_text("gift\n")
    return Encoder(SPEC, {name: tmp_path / f"{name}.txt" for name in SIZES})


def test_the_encoder_tokenizes_and_counts_a_text_without_words_as_absent(encoder: Encoder) -> None:
    tensors = {
        "title": tf.constant(["red mug", "!?", "mug"]),
        "title_present": tf.constant([True, True, False]),
        "tags": tf.constant(["gift", "", "odd"]),
        "tags_present": tf.constant([True, True, True]),
    }
    encoded = encoder(tensors)

    assert encoded["title.tokens"].numpy().tolist() == [[3, 2], [0, 0], [0, 0]]
    assert encoded["title_present"].numpy().tolist() == [True, False, False]
    assert encoded["tags_present"].numpy().tolist() == [True, False, True]


def test_a_vocabulary_is_learned_with_the_tokenizer_of_the_branch() -> None:
    texts = [["Red mug, red"], ["blue"]]

    assert learn_vocabulary(SPEC, "title", texts) == ["red", "blue", "mug"]
    assert learn_vocabulary(SPEC, "tags", texts) == ["blue", "red", "red mug"]
