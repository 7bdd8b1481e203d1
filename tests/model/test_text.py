"""Tokenizers in the graph, and vocabularies."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import tensorflow as tf

from model.text import Tokenizer, build_vocabulary, split_tags, split_words


def words(text: str | bytes) -> list[str]:
    return [token.decode() for token in split_words(tf.constant([text])).to_list()[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A red  MUG, chipped!", ["a", "red", "mug", "chipped"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ﬁne ｗｉｄｅ ①", ["fine", "wide", "1"]),
        ("cafe\u0301 café", ["café", "café"]),
        ("size 42 iPhone14", ["size", "42", "iphone14"]),
        ("赤いmug マグ", ["赤", "い", "mug", "マ", "グ"]),
        ("杯子", ["杯", "子"]),
        ("красная Кружка", ["красная", "кружка"]),
        ("हिन्दी", ["हिन्दी"]),
        ("new❗ 5€ 🏺", ["new", "❗", "5", "€", "🏺"]),
        ("snake_case e-mail", ["snake", "case", "e", "mail"]),
        ("", []),
        (" ... ", []),
        (b"caf\xe9 mug", ["caf", "mug"]),
        ("soft\u00adhyphen", ["softhyphen"]),
        ("ΣΊΣΥΦΟΣ", ["σίσυφοσ"]),
    ],
)
def test_words_are_normalized_folded_and_split_in_any_script(text: str | bytes, expected: list[str]) -> None:
    assert words(text) == expected


def test_tags_are_trimmed_and_folded_and_may_hold_blanks() -> None:
    split = split_tags(tf.constant([" Red , pickup  ONLY,,", "", ",", "ＲＥＤ"]), ",")

    assert split.to_list() == [[b"red", b"pickup only"], [], [], [b"red"]]


def test_a_delimiter_is_taken_literally() -> None:
    assert split_tags(tf.constant(["a|b.c"]), "|").to_list() == [[b"a", b"b.c"]]


def tokenizer(directory: Path, *, max_tokens: int = 4, as_set: bool = False) -> Tokenizer:
    file = directory / "vocabulary.txt"
    file.write_text("mug\nred\nblue\n", encoding="utf-8")
    split = partial(split_tags, delimiter=",") if as_set else split_words
    return Tokenizer(split, file, max_tokens=max_tokens, as_set=as_set)


def test_words_become_ids_with_one_for_unseen_and_zero_for_padding(tmp_path: Path) -> None:
    ids = tokenizer(tmp_path)(tf.constant(["Red mug", "purple", ""]))

    assert ids.dtype == tf.int32
    assert ids.numpy().tolist() == [[3, 2], [1, 0], [0, 0]]


def test_tokens_after_the_limit_are_not_read(tmp_path: Path) -> None:
    ids = tokenizer(tmp_path, max_tokens=2)(tf.constant(["mug red blue blue"]))

    assert ids.numpy().tolist() == [[2, 3]]


def test_a_batch_without_a_token_has_length_zero(tmp_path: Path) -> None:
    assert tokenizer(tmp_path)(tf.constant(["", "  "])).shape == (2, 0)


def test_order_case_and_repetition_of_tags_do_not_matter(tmp_path: Path) -> None:
    ids = tokenizer(tmp_path, as_set=True)(tf.constant(["red,mug,RED", "mug, red", "new,odd,mug", ""]))

    assert ids.numpy().tolist() == [[3, 2, 0], [3, 2, 0], [2, 1, 0], [0, 0, 0]]


def test_a_vocabulary_holds_the_most_frequent_first_and_ties_by_code_point() -> None:
    batches = [["mug mug red"], ["blue Mug", "red"]]

    assert build_vocabulary(batches, split_words, size=10) == ["mug", "red", "blue"]
    assert build_vocabulary(batches, split_words, size=2) == ["mug", "red"]
    assert build_vocabulary(batches, split_words, size=10, min_count=2) == ["mug", "red"]
    assert build_vocabulary([["b a"]], split_words, size=10) == ["a", "b"]


def test_a_vocabulary_is_built_from_a_stream_within_bounded_memory() -> None:
    # 30 rare words a batch among two frequent ones; only 40 may be counted at a time.
    stream = ([f"mug red mug {' '.join(f'r{batch}x{word}' for word in range(30))}"] * 2 for batch in range(50))

    assert build_vocabulary(stream, split_words, size=2, max_tracked=40) == ["mug", "red"]
