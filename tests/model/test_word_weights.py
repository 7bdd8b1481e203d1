"""The weights of words, from those of what a model reads of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model.signature import token_weights_of, tokens_of
from model.spec import ModelSpec
from model.text import make_tokenizer
from model.word_weights import token_weights

TEXT = "a Grand tour, and 猫s: a"
WORDS = ["a", "grand", "tour", "and", "猫", "s", "a"]
SPELLING = {"kind": "embedding", "input": "title", "tokenizer": {"kind": "character_ngrams", "buckets": 1000}}


def spec_of(**branches: object) -> ModelSpec:
    heads = {"kind": {"kind": "single_label", "labels": ["x", "y"]}}
    return ModelSpec.parse({"inputs": {"title": {"kind": "text"}}, "branches": branches, "heads": heads}, what="spec")


def read(spec: ModelSpec, view: str, vocabulary: Path | None = None) -> list[str]:
    """The tokens of a branch."""
    tokens = make_tokenizer(spec.token_branches[view], spec.inputs["title"], vocabulary)(tf.constant([TEXT]))
    return [text.decode() for text in tokens.texts.numpy()[0]]


def found(**views: list[tuple[str, float]]) -> dict[str, np.ndarray]:
    """What `explain` gives for a batch of two, the second of which counts; padded."""
    outputs: dict[str, np.ndarray] = {}
    for name, tokens in views.items():
        texts = [text.encode() for text, _ in tokens]
        outputs[tokens_of(name)] = np.array([[b"other"] * (len(texts) + 1), [*texts, b""]], object)
        outputs[token_weights_of(name)] = np.array(
            [[9.0] * (len(texts) + 1), [*(w for _, w in tokens), 0.0]], np.float32
        )
    return outputs


@pytest.mark.parametrize("sizes", [[3, 4, 5], [3], [4, 2], [6]])
def test_runs_of_characters_are_put_together_to_words(sizes: list[int]) -> None:
    spec = spec_of(title=SPELLING | {"tokenizer": {"kind": "character_ngrams", "buckets": 1000, "sizes": sizes}})
    runs = read(spec, "title")
    given = found(title=[(run, 1.0) for run in runs])

    told = token_weights(spec, given, 1, inputs=["title"])["title"]

    assert [word for word, _ in told] == WORDS
    assert sum(weight for _, weight in told) == len(runs)
    if sizes == [3, 4, 5]:
        assert [weight for _, weight in told] == [1, 12, 9, 6, 1, 1, 1]


def test_words_and_their_spelling_are_added_up(tmp_path: Path) -> None:
    spec = spec_of(title={"kind": "embedding"}, title_spelling=SPELLING)
    (tmp_path / "words.txt").write_text("grand\n")
    words = [(word, 10.0) for word in read(spec, "title", tmp_path / "words.txt")]
    runs = [(run, 1.0) for run in read(spec, "title_spelling")]

    told = token_weights(spec, found(title=words, title_spelling=runs), 1, inputs=["title"])

    assert told == {"title": [*zip(WORDS, [11, 22, 19, 16, 11, 11, 11], strict=True)]}


def test_a_spelling_that_was_cut_off_counts_as_far_as_it_goes() -> None:
    spec = spec_of(title={"kind": "embedding"}, title_spelling=SPELLING)
    words = [("grand", 10.0), ("tour", 10.0)]
    runs = [("<gr", 1.0), ("gra", 1.0), ("ran", 1.0)]

    told = token_weights(spec, found(title=words, title_spelling=runs), 1, inputs=["title"])

    assert told == {"title": [("grand", 13.0), ("tour", 10.0)]}


def test_tokens_of_other_kinds_follow_one_another_and_absent_inputs_have_none() -> None:
    spec = spec_of(
        title={"kind": "embedding"},
        pieces={"kind": "embedding", "input": "title", "tokenizer": "wordpiece"},
    )
    given = found(title=[("grand", 1.0), ("tour", 2.0)], pieces=[("gr", 3.0), ("##and", 4.0)])

    told = token_weights(spec, given, 1, inputs=["title"])

    assert told == {"title": [("grand", 1.0), ("tour", 2.0), ("gr", 3.0), ("##and", 4.0)]}
    assert token_weights(spec, given, 1, inputs=[]) == {}
