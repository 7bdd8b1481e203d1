"""Word vectors that others have trained, in the text format of GloVe and fastText. Without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.errors import SpecError
from model.folding import fold

_LARGEST = float(np.finfo(np.float32).max)


def read(file: Path, vocabulary: Sequence[str], dimension: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The vectors of the words of a vocabulary.

    A line of the file is a word and its numbers, with single blanks between; the word may have blanks itself. A first
    line with two counts, as fastText has it, is skipped. A word that is not in the file as it is gets the vector of one
    that folds to it ("Mug" for "mug"); of several, the first.

    Args:
        file: read line by line: of any size.
        vocabulary: words as the tokenizer gives them.
        dimension: how many numbers a vector has.

    Returns:
        float32 (len(vocabulary), dimension), zeros for unknown words, and bool (len(vocabulary),), which are known.

    Raises:
        SpecError: naming the file, and the line where a vector has another width or something that is no number. The
            numbers of words that are not in the vocabulary are not looked at.
    """
    places = {word: place for place, word in enumerate(vocabulary)}
    vectors = np.zeros((len(vocabulary), dimension), np.float32)
    known = np.zeros(len(vocabulary), bool)
    exact = np.zeros(len(vocabulary), bool)
    for number, line in _lines(file):
        if number == 1 and _is_header(line, file, dimension):
            continue
        if not line:
            continue
        word, numbers = _split(line, dimension, f"{file}, line {number}")
        place = places.get(word)
        if place is not None and not exact[place]:
            exact[place] = True
        else:
            place = places.get(fold(word))
            if place is None or known[place]:
                continue
        known[place] = True
        vectors[place] = _parsed(numbers, f"{file}, line {number}")
    return vectors, known


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        # Words may have any of the characters that Python also takes for the end of a line.
        with file.open(encoding="utf-8", errors="replace", newline="\n") as stream:
            for number, line in enumerate(stream, start=1):
                yield number, line.rstrip(" \r\n")
    except OSError as error:
        raise SpecError(f"{file}: the word vectors can't be read: {error.strerror}. Expected is a text file.") from None


def _is_header(line: str, file: Path, dimension: int) -> bool:
    fields = line.split(" ")
    if len(fields) != 2 or not all(field.isdecimal() for field in fields):
        return False
    if int(fields[1]) != dimension:
        raise SpecError(
            f"{file}, line 1: the vectors have {fields[1]} numbers; expected {dimension}. Set the branch's dimension "
            f"to {fields[1]}, or take another file."
        )
    return True


def _split(line: str, dimension: int, where: str) -> tuple[str, str]:
    """The word of a line, and its numbers, not yet taken apart: most lines are of words that nobody asks for."""
    blanks = line.count(" ")
    if blanks < dimension:
        raise SpecError(_wrong_width(where, blanks, dimension))
    if blanks == dimension:
        word, _, numbers = line.partition(" ")
        return word, numbers
    word, *last = line.rsplit(" ", dimension)
    # A word may have blanks, but one that is numbers but for the first is the beginning of a wider vector.
    _, *others = word.split(" ")
    if None not in map(_number, others):
        raise SpecError(_wrong_width(where, blanks, dimension))
    return word, " ".join(last)


def _wrong_width(where: str, width: int, dimension: int) -> str:
    return (
        f"{where}: the vector has {width} numbers; expected {dimension}, the branch's dimension. A line is a word and "
        "its numbers, with single blanks between; unpack the file if it is compressed."
    )


def _parsed(numbers: str, where: str) -> NDArray[np.float32]:
    vector = []
    for field in numbers.split(" "):
        number = _number(field)
        if number is None:
            raise SpecError(f"{where}: {field[:40]!r} is no number. Mend the line, or take another file.")
        vector.append(number)
    return np.array(vector, np.float32)


def _number(field: str) -> float | None:
    """None if it is none, or one that no float32 can hold."""
    try:
        number = float(field)
    except ValueError:
        return None
    return number if abs(number) <= _LARGEST else None
