"""Texts to tokens, as strings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf
import tensorflow_text as tf_text
from tensorflow_text.python.ops.regex_split_ops import gen_regex_split_ops

# A word is a run of letters, marks and digits. Han, Hiragana and Katakana are written without spaces, so each such
# character stands for itself, and so does a symbol (emoji, currency). All else only separates.
_KEPT = r"[\p{L}\p{M}\p{N}\p{So}\p{Sc}]"
_BETWEEN = r"[\p{Han}\p{Hiragana}\p{Katakana}]|[^\p{L}\p{M}\p{N}]"
_BLANKS = r"[\t-\r\x1c-\x1f\x{85}\pZ]+"  # what Python's str.isspace() takes for blank

Split = Callable[[tf.Tensor], tf.RaggedTensor]


def normalize(texts: tf.Tensor) -> tf.Tensor:
    """NFKC and case folding in one, NFKC_Casefold (The Unicode Standard, D147).

    It also drops what can't be seen, as soft hyphens and zero-width spaces. Bytes that are not UTF-8 become blanks.

    Args:
        texts: string, any shape.
    """
    valid = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace", replacement_char=ord(" "))
    return tf_text.case_fold_utf8(valid)  # ICU's nfkc_cf: a pass of normalize_utf8 before it changes no character


def split_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Texts to words: string (batch,) -> ragged string (batch, words)."""
    # The operation behind `tf_text.regex_split`, which adds nine checks of what it gives. TF Text doesn't promise that
    # it stays where it is; its version is locked.
    words, _, _, row_splits = gen_regex_split_ops.regex_split_with_offsets(
        input=normalize(texts), delim_regex_pattern=f"({_BETWEEN})", keep_delim_regex_pattern=f"({_KEPT})"
    )
    return tf.RaggedTensor.from_row_splits(words, row_splits, validate=False)


def split_tags(texts: tf.Tensor, delimiter: str) -> tf.RaggedTensor:
    """Delimited tags to tags, blanks trimmed: string (batch,) -> ragged string (batch, tags)."""
    tags = tf.strings.strip(tf.strings.split(_with_single_blanks(normalize(texts)), delimiter))
    return tf.ragged.boolean_mask(tags, tags != "")


def split_characters(texts: tf.Tensor) -> tf.RaggedTensor:
    """Texts to characters, one blank between words: string (batch,) -> ragged string (batch, characters).

    A text without a word has no characters either, whatever punctuation it has.
    """
    characters = tf.strings.strip(_with_single_blanks(normalize(texts)))
    has_word = tf.strings.regex_full_match(characters, f"(?s).*{_KEPT}.*")
    return tf.strings.unicode_split(tf.where(has_word, characters, ""), "UTF-8")


def split_word_ngrams(texts: tf.Tensor, sizes: Sequence[int]) -> tf.RaggedTensor:
    """Texts to runs of neighbouring words, the shorter runs first: string (batch,) -> ragged string (batch, runs).

    A text that has fewer words than the smallest size is one run.
    """
    return _ngrams(split_words(texts), sizes, separator=" ")


def split_character_ngrams(texts: tf.Tensor, sizes: Sequence[int]) -> tf.RaggedTensor:
    """Texts to runs of characters of each word, with `<` and `>` at its ends (Bojanowski 2017, arXiv:1607.04606).

    Word after word, the shorter runs of a word first. A word that is shorter than the smallest size is one run.

    Args:
        texts: string (batch,).
        sizes: lengths in characters, the marks of the ends included.

    Returns:
        ragged string (batch, runs).
    """
    words = split_words(texts)
    marked = tf.strings.unicode_split(tf.strings.join(["<", words.flat_values, ">"]), "UTF-8")  # (words, characters)
    return joined(_ngrams(marked, sizes, separator=""), words)


def joined(rows: tf.RaggedTensor, groups: tf.RaggedTensor) -> tf.RaggedTensor:
    """The rows of each group in one, without the checks of `tf.RaggedTensor.merge_dims`.

    Args:
        rows: ragged (rows, items).
        groups: ragged (groups, rows); only its row splits are read.

    Returns:
        ragged (groups, items).
    """
    splits = tf.gather(rows.row_splits, groups.row_splits)
    return tf.RaggedTensor.from_row_splits(rows.values, splits, validate=False)


def _ngrams(units: tf.RaggedTensor, sizes: Sequence[int], separator: str) -> tf.RaggedTensor:
    return tf.strings.ngrams(units, tuple(sorted(sizes)), separator=separator, preserve_short_sequences=True)


def _with_single_blanks(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(texts, _BLANKS, " ")
