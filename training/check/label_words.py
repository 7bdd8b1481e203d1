"""Texts that contain their own label: a model of the words then looks better than it will be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.folding import fold
from training.manifests.table import TextColumn
from training.pipeline import TEXTS_AT_A_TIME, Targets
from training.splits import counts_of

# Han and Kana are written without blanks: each character is a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+")


@dataclass(frozen=True)
class LabelInTexts:
    """How often a label stands in the texts of an input.

    Args:
        head, input, label: which.
        rows: rows that have the label and a text.
        told: those of them whose text contains it.
        elsewhere: rows of other labels whose text contains it.
    """

    head: str
    input: str
    label: str
    rows: int
    told: int
    elsewhere: int

    @property
    def gives_away(self) -> bool:
        """Whether the label's texts say it at least half the time, and those of other labels seldom."""
        return self.told * 2 >= self.rows and self.told > self.elsewhere


def look(
    texts: TextColumn, positions: NDArray[np.intp], target: Targets, labels: Sequence[str]
) -> tuple[NDArray[np.bool_], list[tuple[int, int, int]]]:
    """Looks for labels in texts: the words of a label one after the other, in any case, with or without a plural s.

    Args:
        texts: of the whole manifest.
        positions: intp (usable,).
        target: int32 (usable,) or bool (usable, classes).
        labels: the classes.

    Returns:
        Bool (usable,), whether the text of a row contains one of its own labels; and for each label the rows that have
        it and a text, those of them whose text contains it, and the rows without it whose text does.
    """
    phrases: dict[tuple[str, ...], list[int]] = {}  # several labels may be the same words
    for number, label in enumerate(labels):
        if phrase := _phrase(label):
            phrases.setdefault(phrase, []).append(number)
    sizes = sorted({len(phrase) for phrase in phrases})
    own = np.zeros(len(positions), bool)
    told, elsewhere = [0] * len(labels), [0] * len(labels)
    for start in range(0, len(positions), TEXTS_AT_A_TIME):
        for row, text in enumerate(texts.take(positions[start : start + TEXTS_AT_A_TIME]), start):
            words = _words(text)
            runs = {run for size in sizes for run in zip(*(words[at:] for at in range(size)), strict=False)}
            for run in phrases.keys() & runs:
                its = [one for one in phrases[run] if (target[row, one] if target.ndim == 2 else target[row] == one)]
                own[row] |= bool(its)
                for one in its or phrases[run]:
                    (told if its else elsewhere)[one] += 1
    with_text = counts_of(target[~texts.is_empty[positions]], len(labels)).tolist()
    return own, list(zip(with_text, told, elsewhere, strict=True))


def _phrase(label: str) -> tuple[str, ...]:
    """The words of a label that is worth looking for; none of a number or a single letter."""
    words = tuple(_words(label))
    return words if any(not word.isdecimal() and (len(word) > 1 or not word.isascii()) for word in words) else ()


def _words(text: str) -> list[str]:
    found = _WORD.findall(fold(text))
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found]
