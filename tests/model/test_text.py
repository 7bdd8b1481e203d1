"""How texts are cut, and what is learned from them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import tensorflow as tf

from model.folding import fold
from model.spec import EmbeddingBranch, TagsBranch, TagsInput, TextInput, TokenBranch
from model.text import learn_vocabulary, normalize, splitting
from model.text.vocabulary import count_tokens, most_frequent
from model.text.wordpieces import learn_wordpieces

TEXT = TextInput()


def words(text: str | bytes) -> list[str]:
    return [token.decode() for token in splitting.split_words(tf.constant([text])).to_list()[0]]


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
    split = splitting.split_tags(tf.constant([" Red , pickup \u2003\x1c ONLY,,", "", ",\x85", "ＲＥＤ"]), ",")

    assert split.to_list() == [[b"red", b"pickup only"], [], [], [b"red"]]


def test_a_delimiter_is_taken_literally() -> None:
    assert splitting.split_tags(tf.constant(["a|b.c"]), "|").to_list() == [[b"a", b"b.c"]]


def test_characters_are_code_points_with_one_blank_between_words() -> None:
    split = splitting.split_characters(tf.constant(["  É\u2003\v赤!", "?! ..."]))

    assert [[token.decode() for token in row] for row in split.to_list()] == [["é", " ", "赤", "!"], []]


def test_word_ngrams_come_by_size_then_position() -> None:
    split = splitting.split_word_ngrams(tf.constant(["Not a good mug", "mug", "!"]), (2, 1))

    expected = [[b"not", b"a", b"good", b"mug", b"not a", b"a good", b"good mug"], [b"mug"], []]
    assert split.to_list() == expected
    assert splitting.split_word_ngrams(tf.constant(["red mug"]), (3, 4)).to_list() == [[b"red mug"]]


def test_character_ngrams_mark_the_ends_and_keep_short_words_whole() -> None:
    split = splitting.split_character_ngrams(tf.constant(["Mügs a", "", "赤い"]), (4, 3))

    assert [[token.decode() for token in row] for row in split.to_list()] == [
        ["<mü", "müg", "ügs", "gs>", "<müg", "mügs", "ügs>", "<a>"],
        [],
        ["<赤>", "<い>"],
    ]
    assert splitting.split_character_ngrams(tf.constant(["ab"]), (5, 6)).to_list() == [[b"<ab>"]]


def test_python_folds_as_the_graph_does() -> None:
    assigned = [chr(code) for code in range(0x11_0000) if not 0xD800 <= code < 0xE000 and chr(code).isprintable()]
    texts = [
        *assigned,
        "Straße ΑΙ\u0345 ǅ\u0323\u0307 ﬃ ①\u20e3",
        "❤\ufe0f 👩\u200d🔬 e\u0301\u0327",
        "\u1100\u1161\u11a8",
    ]

    assert [fold(text) for text in texts] == [text.decode() for text in normalize(tf.constant(texts)).numpy()]


def learn(branch: TokenBranch, batches: Iterable[list[str]]) -> list[str]:
    given = TagsInput() if isinstance(branch, TagsBranch) else TEXT
    return learn_vocabulary(branch, given, batches)


def branch(kind: str, **settings: object) -> EmbeddingBranch:
    return EmbeddingBranch.model_validate({"tokenizer": {"kind": kind, **settings}})


def test_a_vocabulary_holds_the_most_frequent_first_and_ties_by_code_point() -> None:
    batches = [["mug mug red"], ["blue Mug", "red"]]

    assert learn(branch("words"), batches) == ["mug", "red", "blue"]
    assert learn(branch("words", vocabulary_size=2), batches) == ["mug", "red"]
    assert learn(branch("words", min_count=2), batches) == ["mug", "red"]
    assert learn(branch("words"), [["b a"]]) == ["a", "b"]


def test_characters_and_tags_are_learned_as_their_tokenizer_cuts_them() -> None:
    assert learn(branch("characters"), [["Mum m"]]) == ["m", " ", "u"]
    assert learn(TagsBranch(), [["Red mug, red"], ["blue"]]) == ["blue", "red", "red mug"]
    assert learn(TagsBranch(min_count=2), [["red,mug"], ["red"]]) == ["red"]


def test_hashed_tokens_have_no_vocabulary() -> None:
    with pytest.raises(ValueError, match="'word_ngrams' has no vocabulary"):
        learn(branch("word_ngrams"), [["red mug"]])


def test_tokens_are_counted_within_bounded_memory() -> None:
    # 30 rare words a batch among two frequent ones; only 40 may be counted at a time.
    stream = ([f"mug red mug {' '.join(f'r{batch}x{word}' for word in range(30))}"] * 2 for batch in range(50))

    assert most_frequent(count_tokens(stream, splitting.split_words, max_tracked=40), size=2) == ["mug", "red"]


def test_wordpieces_are_all_characters_and_then_what_is_frequent() -> None:
    texts = ["walking talking walked talked walk talk 杯 x"] * 3 + ["rare"]
    pieces = learn(branch("wordpiece"), [texts])

    letters = set("walkingtedxr")
    assert pieces[:4] == ["a", "##a", "k", "##k"]
    assert set(pieces[: 2 * len(letters) + 1]) == letters | {f"##{letter}" for letter in letters} | {"杯"}
    assert {"walk", "talk", "walking", "talked"} <= set(pieces[2 * len(letters) + 1 :])
    assert len(set(pieces)) == len(pieces)


def test_wordpieces_are_no_more_than_asked_for() -> None:
    texts = ["walking talking walked talked"]

    assert learn(branch("wordpiece", vocabulary_size=4), [texts]) == ["a", "##a", "k", "##k"]
    assert len(learn(branch("wordpiece", vocabulary_size=21), [texts])) == 21
    assert learn(branch("wordpiece", min_count=2), [texts]) == []
    assert learn(branch("wordpiece"), [["", "?"]]) == []


def test_wordpieces_do_not_depend_on_the_order_of_the_words() -> None:
    counts = {f"{start}{end}": len(start) for start in ("un", "re", "in") for end in ("do", "done", "able", "der")}

    assert learn_wordpieces(counts, 30) == learn_wordpieces(dict(reversed(counts.items())), 30)


def test_wordpieces_are_learned_from_scripts_without_spaces() -> None:
    pieces = learn(branch("wordpiece"), [["แก้วกาแฟสีแดง" * 10] * 3])

    assert set("แก้วกาแฟสีแดง") <= set(pieces)
    assert max(map(len, pieces)) > 2
