"""From requests to what the network takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model.encoder import Encoder
from model.signature import network_inputs
from model.spec import ModelSpec

SPEC = ModelSpec.parse(
    {
        "inputs": {
            "photo": {"kind": "image", "height": 8, "width": 8},
            "title": {"kind": "text"},
            "description": {"kind": "text", "branch_of": "title"},
            "tags": {"kind": "tags"},
        },
        "branches": {
            "photo": {"kind": "conv", "filters": [2]},
            "words": {"kind": "embedding", "input": "title"},
            "runs": {"kind": "convolution", "input": "title", "tokenizer": {"kind": "word_ngrams", "buckets": 9}},
            "tags": {"kind": "tags"},
        },
        "heads": {"topic": {"kind": "single_label", "labels": ["news", "sport"]}},
    },
    what="spec",
)


@pytest.fixture
def encoder(tmp_path: Path) -> Encoder:
    (tmp_path / "words.txt").write_text("mug\nred\n")
    (tmp_path / "tags.txt").write_text("gift\n")
    return Encoder(SPEC, {name: tmp_path / f"{name}.txt" for name in ("words", "tags")})


TENSORS = {
    "photo": tf.constant(np.arange(3 * 8 * 8 * 3).reshape(3, 8, 8, 3) % 256, tf.uint8),
    "photo_present": tf.constant([True, False, True]),
    "title": tf.constant(["red mug", "!?", "a much longer text that is not given"]),
    "title_present": tf.constant([True, True, False]),
    "description": tf.constant(["", "mug", "Red"]),
    "description_present": tf.constant([False, True, True]),
    "tags": tf.constant(["gift", "", "odd"]),
    "tags_present": tf.constant([True, True, True]),
}


def test_it_gives_what_the_network_takes(encoder: Encoder) -> None:
    encoded = encoder({**TENSORS, "topic_target": tf.constant([0, 1, 0])})

    assert {name: tensor.dtype.name for name, tensor in encoded.items()} == {
        name: info.dtype for name, info in network_inputs(SPEC).items()
    }
    np.testing.assert_array_equal(encoded["photo"], TENSORS["photo"])
    assert encoded["photo_present"].numpy().tolist() == [True, False, True]


def test_a_view_is_tokenized_with_the_vocabulary_of_its_branch(encoder: Encoder) -> None:
    encoded = encoder(TENSORS)

    assert encoded["words.tokens"].numpy().tolist() == [[3, 2], [0, 0], [0, 0]]
    assert encoded["words.description.tokens"].numpy().tolist() == [[0], [2], [3]]
    assert encoded["runs.tokens"].shape == (3, 3)
    assert encoded["tags.tokens"].numpy().tolist() == [[2], [0], [1]]


def test_a_text_without_words_counts_as_absent(encoder: Encoder) -> None:
    encoded = encoder(TENSORS)

    assert encoded["title_present"].numpy().tolist() == [True, False, False]
    assert encoded["description_present"].numpy().tolist() == [False, True, True]
    assert encoded["tags_present"].numpy().tolist() == [True, False, True]


def test_the_tokens_of_each_view_can_be_read(encoder: Encoder) -> None:
    tokens = encoder.tokens(TENSORS)

    assert list(tokens) == ["words", "words.description", "runs", "runs.description", "tags"]
    assert tokens["runs"].texts.numpy().tolist() == [[b"red", b"mug", b"red mug"], [b""] * 3, [b""] * 3]
    assert tokens["words.description"].texts.numpy().tolist() == [[b""], [b"mug"], [b"red"]]


def test_texts_are_encoded_alike_without_a_row_of_pictures(encoder: Encoder) -> None:
    encoded = encoder(TENSORS)
    without = encoder({**TENSORS, "photo": TENSORS["photo"][:0]})

    assert without["photo"].shape == (0, 8, 8, 3)
    for name in encoded.keys() - {"photo"}:
        np.testing.assert_array_equal(without[name], encoded[name])


def test_its_signature_is_what_it_takes(encoder: Encoder) -> None:
    encode = tf.function(encoder).get_concrete_function(encoder.input_signature)

    np.testing.assert_array_equal(encode(TENSORS)["words.tokens"], encoder(TENSORS)["words.tokens"])


def test_tokenizing_is_traced_once_for_all_graphs_that_have_it_in_them(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced, tokenized = [], Encoder._tokenized
    monkeypatch.setattr(Encoder, "_tokenized", lambda *given: traced.append(1) or tokenized(*given))
    graphs = [tf.function(encoder, autograph=False), tf.function(encoder.tokens, autograph=False)]

    encoded, tokens = (graph(TENSORS) for graph in graphs)
    assert encoded["words.tokens"].numpy().tolist() == tokens["words"].ids.numpy().tolist() == [[3, 2], [0, 0], [0, 0]]
    assert len(traced) == 1
