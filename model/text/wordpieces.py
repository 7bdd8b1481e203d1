"""The pieces that words are made of, learned from how often each word is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import tensorflow as tf
from tensorflow_text.tools.wordpiece_vocab import wordpiece_tokenizer_learner_lib as learner

from model.text.splitting import split_words

CONTINUES = "##"  # before a piece that does not begin a word; no word has the character
# The learner looks at every run of characters of every word. These two keep it to about half a minute.
MAX_WORDS = 30_000
MAX_LENGTH = 50


def learn_wordpieces(counts: Mapping[str, int], size: int) -> list[str]:
    """Characters first, so that every word made of them can be cut into pieces, then the pieces seen most often.

    Args:
        counts: how often each word is seen.
        size: how many pieces to give at most. If there are too few for all characters, the rare ones are left out.
    """
    words = _in_chunks(counts)
    pieces: list[str] = []
    alphabet = set()
    for character, forms in _forms(words).items():
        if len(pieces) + len(forms) > size:
            break
        alphabet.add(character)
        pieces += forms
    known = {word: count for word, count in words.items() if len(word) > 1 and alphabet.issuperset(word)}
    return pieces + _longer_pieces(known, size - len(pieces))


def _in_chunks(counts: Mapping[str, int]) -> Counter[str]:
    """Words over `MAX_LENGTH`, of scripts without spaces most likely, are counted in parts of that length."""
    words: Counter[str] = Counter()
    for word, count in counts.items():
        for start in range(0, len(word), MAX_LENGTH):
            words[word[start : start + MAX_LENGTH]] += count
    return words


def _forms(words: Mapping[str, int]) -> dict[str, list[str]]:
    """The pieces of one character, by character, the most frequent first; one that is always a word has but one."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for character in word:
            counts[character] += count
    characters = [character for _, character in sorted((-count, character) for character, count in counts.items())]
    doubled = tf.constant([character * 2 for character in characters], tf.string)
    alone = split_words(doubled).row_lengths().numpy() > 1
    return {
        character: [character] if stands_alone else [character, CONTINUES + character]
        for character, stands_alone in zip(characters, alone, strict=True)
    }


def _longer_pieces(words: Mapping[str, int], size: int) -> list[str]:
    """At most `size` pieces of two characters and more, those seen most often first."""
    if size <= 0 or not words:
        return []
    most = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:MAX_WORDS]
    characters = set().union(*(word for word, _ in most))
    counts = [count for _, count in most]
    learned = learner.learn(
        most,
        vocab_size=size + 2 * len(characters),  # it counts both forms of every character
        reserved_tokens=[],
        # It searches for the count that a piece must reach. Every word that reaches it is a piece, and pieces are words
        # and ends of words, so it can't be outside of these two.
        lower_thresh=_nth(counts, size),
        upper_thresh=_nth([*counts, *_ends(most).values()], size),
        max_input_tokens=MAX_WORDS,
        max_token_length=MAX_LENGTH,
        max_unique_chars=len(characters),
        joiner=CONTINUES,
    )
    return [piece for piece in learned if len(piece.removeprefix(CONTINUES)) > 1][:size]


def _ends(words: Iterable[tuple[str, int]]) -> Counter[str]:
    ends: Counter[str] = Counter()
    for word, count in words:
        for start in range(1, len(word) - 1):
            ends[word[start:]] += count
    return ends


def _nth(counts: list[int], n: int) -> int:
    """The n-th largest count, 1 if there are fewer."""
    return sorted(counts, reverse=True)[n - 1] if len(counts) >= n else 1
