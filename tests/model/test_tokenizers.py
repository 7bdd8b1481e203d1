"""Tokenizers in the graph: texts to ids."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from model.examples import has_tokens
from model.spec import EmbeddingBranch, TagsBranch, TagsInput, TextInput, TokenBranch
from model.text import Tokenizer, make_tokenizer, needs_vocabulary, num_ids

TOKENIZERS: dict[str, list[str]] = {
    "words": ["mug", "red", "赤"],
    "wordpiece": ["r", "m", "##u", "##g", "##s", "mug", "red"],
    "characters": ["m", "u", "g", " "],
    "word_ngrams": [],
    "character_ngrams": [],
}
KINDS = [*TOKENIZERS, "tags"]

Row = list[tuple[int, str]]


def branch_of(kind: str, **settings: object) -> TokenBranch:
    if kind == "tags":
        return TagsBranch.model_validate(settings)
    return EmbeddingBranch.model_validate({"tokenizer": {"kind": kind, **settings}})


def given_to(kind: str) -> TextInput | TagsInput:
    return TagsInput() if kind == "tags" else TextInput()


def tokenizer(directory: Path, kind: str, **settings: object) -> Tokenizer:
    file = directory / f"{kind}.txt"
    file.write_text("".join(f"{token}\n" for token in TOKENIZERS.get(kind, ["mug", "red"])), encoding="utf-8")
    branch = branch_of(kind, **settings)
    return make_tokenizer(branch, given_to(kind), file if needs_vocabulary(branch) else None)


def rows(cut: Any, texts: list[str] | list[bytes]) -> list[Row]:
    """Ids and what they stand for; padding left out, which must be at the end."""
    ids, tokens = cut(tf.constant(texts, tf.string))
    assert ids.dtype == tf.int32
    assert ids.shape == tokens.shape
    found = []
    for row in zip(ids.numpy(), tokens.numpy(), strict=True):
        pairs = [(int(number), text.decode()) for number, text in zip(*row, strict=True)]
        real = [pair for pair in pairs if pair[0] != 0]
        assert pairs == real + [(0, "")] * (len(pairs) - len(real))
        found.append(real)
    return found


def test_words_become_ids_with_one_for_unseen(tmp_path: Path) -> None:
    assert rows(tokenizer(tmp_path, "words"), ["Red mug", "赤 purple", ""]) == [
        [(3, "red"), (2, "mug")],
        [(4, "赤"), (1, "purple")],
        [],
    ]


def test_words_fall_into_the_longest_pieces_and_one_that_does_not_is_unseen(tmp_path: Path) -> None:
    assert rows(tokenizer(tmp_path, "wordpiece"), ["Red mugs", "rugs Blue", "!"]) == [
        [(8, "red"), (7, "mug"), (6, "s")],
        [(2, "r"), (4, "u"), (5, "g"), (6, "s"), (1, "blue")],
        [],
    ]


def test_a_very_long_word_still_falls_into_pieces(tmp_path: Path) -> None:
    (row,) = rows(tokenizer(tmp_path, "wordpiece", max_tokens=1000), ["m" + "u" * 900])

    assert row == [(3, "m")] + [(4, "u")] * 900


def test_characters_become_ids(tmp_path: Path) -> None:
    assert rows(tokenizer(tmp_path, "characters"), ["Mu  é!"]) == [[(2, "m"), (3, "u"), (5, " "), (1, "é"), (1, "!")]]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("word_ngrams", "Red mug", ["red", "mug", "red mug"]),
        ("character_ngrams", "Müg", ["<mü", "müg", "üg>", "<müg", "müg>", "<müg>"]),
    ],
)
def test_runs_are_hashed_into_buckets(tmp_path: Path, kind: str, text: str, expected: list[str]) -> None:
    (row,) = rows(tokenizer(tmp_path, kind, buckets=7), [text])

    assert [token for _, token in row] == expected
    buckets = tf.strings.to_hash_bucket_fast(expected, 7).numpy() + 2
    assert [number for number, _ in row] == buckets.tolist()


def test_order_case_and_repetition_of_tags_do_not_matter(tmp_path: Path) -> None:
    assert rows(tokenizer(tmp_path, "tags"), ["red,mug,RED", "mug, red", "new,odd,mug", ""]) == [
        [(3, "red"), (2, "mug")],
        [(3, "red"), (2, "mug")],
        [(2, "mug"), (1, "new")],
        [],
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_after_the_limit_are_not_read(tmp_path: Path, kind: str) -> None:
    texts = ["mug,red,blue", "red"]

    assert rows(tokenizer(tmp_path, kind, max_tokens=2), texts) == [
        row[:2] for row in rows(tokenizer(tmp_path, kind), texts)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_without_a_token_has_one_column(tmp_path: Path, kind: str) -> None:
    cut = tokenizer(tmp_path, kind)

    assert [part.shape for part in cut(tf.constant(["", "  "]))] == [(2, 1), (2, 1)]
    assert [part.shape for part in cut(tf.constant([], tf.string))] == [(0, 1), (0, 1)]


TEXTS = [
    *(
        "Red mug",
        "Straße ﬁne ①",
        "赤いマグ 杯子",
        "красная",
        "हिन्दी",
        "แก้วกาแฟ",
        "كأس أحمر",
        "כוס",
        "한국어",
        "e\u0301",
    ),
    *("🏺", "❤\ufe0f", "👩\u200d🔬", "5€", "1\ufe0f\u20e3", "a\x00b", "\x1f", "\x85", "\x07", "a\u2028b", "snake_case"),
    *("", " ", "\u3000\n", "!? ...", "–—", "()", "\u200b", "\u00ad", "\ufe0f", "\u3164", "´", "¨", "‗", "+", "^", "🏽"),
    *(",", ";,", " , ,", "，", ", ,a", "#", "##", "[UNK]", "[PAD]", "\ue000", "\U000e0041"),
]
BYTES = [b"caf\xe9 mug", b"\xff\xfe", b"\xf0\x9f", b"\xed\xa0\x80a"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_has_tokens_where_python_says_so(tmp_path: Path, kind: str) -> None:
    # So long that hardly a text has as many words, or a word as many characters.
    settings = {"sizes": [4, 6]} if "ngrams" in kind else {}
    found = rows(tokenizer(tmp_path, kind, **settings), TEXTS)

    assert [bool(row) for row in found] == [has_tokens(given_to(kind), text) for text in TEXTS]


@pytest.mark.parametrize("kind", KINDS)
def test_every_character_is_a_token_where_python_says_so(tmp_path: Path, kind: str) -> None:
    codes = range(0, 0x3_0000, 1 if kind in ("words", "tags") else 7)
    # The graph's tables are newer than Python's.
    texts = [chr(code) for code in codes if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    ids = tokenizer(tmp_path, kind)(tf.constant(texts)).ids

    wrong = [
        hex(ord(text))
        for text, found in zip(texts, tf.reduce_any(ids != 0, axis=1).numpy(), strict=True)
        if found != has_tokens(given_to(kind), text)
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_keeps_its_tokenizer_when_it_is_saved(tmp_path: Path, kind: str) -> None:
    module = tf.Module()
    module.tokenizer = tokenizer(tmp_path, kind)
    module.cut = tf.function(module.tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
    before = rows(module.tokenizer, TEXTS), rows(module.tokenizer, BYTES)

    tf.saved_model.save(module, str(tmp_path / "saved"))
    (tmp_path / f"{kind}.txt").unlink()
    loaded = tf.saved_model.load(str(tmp_path / "saved"))

    assert (rows(loaded.cut, TEXTS), rows(loaded.cut, BYTES)) == before
    assert any(map(len, before[1]))


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_does_not_check_what_it_made_itself(tmp_path: Path, kind: str) -> None:
    graph = tf.function(tokenizer(tmp_path, kind)).get_concrete_function(tf.TensorSpec([None], tf.string)).graph

    assert [one.name for one in graph.get_operations() if "Assert" in one.name] == []


def test_the_table_has_room_for_padding_unseen_and_every_token() -> None:
    assert num_ids(branch_of("words"), 10) == 12
    assert num_ids(branch_of("tags"), 10) == 12
    assert num_ids(branch_of("word_ngrams", buckets=50), 0) == 52
    assert [kind for kind in KINDS if not needs_vocabulary(branch_of(kind))] == ["word_ngrams", "character_ngrams"]


@pytest.mark.parametrize("kind", ["words", "wordpiece", "tags"])
def test_a_missing_vocabulary_is_told(kind: str) -> None:
    with pytest.raises(ValueError, match=f"kind '{kind}' needs a vocabulary file"):
        make_tokenizer(branch_of(kind), given_to(kind), None)
