"""Word vectors that others have trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model import word_vectors
from model.errors import SpecError

VOCABULARY = ["mug", "café", "red mug", "unheard"]


def file_of(directory: Path, text: str) -> Path:
    file = directory / "vectors.txt"
    file.write_bytes(text.encode())
    return file


def test_known_words_get_their_vectors_and_others_zeros(tmp_path: Path) -> None:
    file = file_of(tmp_path, "the 9 9\nmug 0.5 -1e-2\ncafé 3 4\n")
    vectors, known = word_vectors.read(file, VOCABULARY, 2)

    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [[0.5, -0.01], [3, 4], [0, 0], [0, 0]])
    assert known.tolist() == [True, True, False, False]


@pytest.mark.parametrize("text", ["2 2\nmug 1 2\nred 3 4\n", "mug 1 2 \r\nred 3 4 \r\n", "mug 1 2\n\nred 3 4"])
def test_a_header_and_blanks_at_the_ends_are_no_harm(tmp_path: Path, text: str) -> None:
    vectors, known = word_vectors.read(file_of(tmp_path, text), ["mug", "red", "2"], 2)

    assert vectors[:2].tolist() == [[1, 2], [3, 4]]
    assert known.tolist() == [True, True, False]


def test_a_first_line_of_two_numbers_is_a_word_if_the_second_is_no_count(tmp_path: Path) -> None:
    vectors, _ = word_vectors.read(file_of(tmp_path, "2000 0.5\n"), ["2000"], 1)

    assert vectors.tolist() == [[0.5]]


def test_a_word_as_it_is_wins_over_one_that_folds_to_it_and_the_first_over_later_ones(tmp_path: Path) -> None:
    file = file_of(tmp_path, "CAFÉ 1 1\nMug 2 2\ncafe\u0301 3 3\nmug 4 4\nmug 5 5\nMUG 6 6\n")
    vectors, known = word_vectors.read(file, VOCABULARY, 2)

    assert vectors[:2].tolist() == [[4, 4], [1, 1]]
    assert known.tolist() == [True, True, False, False]


def test_words_may_have_blanks_and_line_ends_of_other_kinds(tmp_path: Path) -> None:
    file = file_of(tmp_path, "red mug 1 2\n. . . 3 4\na\u2028b 5 6\nc\x85d 7 8\nmug 9 9\n")
    vectors, _ = word_vectors.read(file, ["red mug", "a\u2028b", "c\x85d", "mug"], 2)

    assert vectors.tolist() == [[1, 2], [5, 6], [7, 8], [9, 9]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mug 1 2\nred 1\n", "line 2: the vector has 1 numbers; expected 2"),
        ("mug 1 2\nred 1 2 3\n", "line 2: the vector has 3 numbers; expected 2"),
        ("\x1f\x8b\x08\n", "line 1: the vector has 0 numbers; expected 2"),
        (
            "2000000 300\nmug 1 2\n",
            "line 1: the vectors have 300 numbers; expected 2. Set the branch's dimension to 300",
        ),
        ("red 1 2\nmug 1 2x\n", "line 2: '2x' is no number"),
        ("mug nan 1\n", "line 1: 'nan' is no number"),
        ("mug 1 1e39\n", "line 1: '1e39' is no number"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SpecError) as told:
        word_vectors.read(file_of(tmp_path, text), VOCABULARY, 2)

    assert str(told.value).startswith(f"{tmp_path / 'vectors.txt'}, {message}")


def test_bytes_that_are_no_text_match_no_word(tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_bytes(b"\xff\xfe 1 2\nmug 3 4\n")

    assert word_vectors.read(tmp_path / "vectors.txt", ["mug"], 2)[0].tolist() == [[3, 4]]


@pytest.mark.parametrize("name", ["absent.txt", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match=r"the word vectors can't be read: (No such file|Is a directory)") as told:
        word_vectors.read(tmp_path / name, VOCABULARY, 2)

    assert str(tmp_path / name) in str(told.value)
