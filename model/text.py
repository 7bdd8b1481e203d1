"""Tokenizers as layers of the graph, and the building of their vocabularies.

The tokenizer that training uses is the one that is exported: there is no second implementation to keep equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import tensorflow as tf
import tensorflow_text as tf_text

PADDING_ID = 0
UNSEEN_ID = 1
FIRST_WORD_ID = 2

# A word is a run of letters, marks and digits. Han, Hiragana and Katakana are written without spaces, so each such
# character stands for itself, and so does a symbol (emoji, currency). All else only separates.
_ALONE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{So}\p{Sc}]"
_SEPARATOR = r"[^\p{L}\p{M}\p{N}]"

Split = Callable[[tf.Tensor], tf.RaggedTensor]


def normalize(texts: tf.Tensor) -> tf.Tensor:
    """NFKC and case folding in one, Unicode's NFKC_Casefold (section 3.13 of the standard, D147).

    It also drops what can't be seen, as soft hyphens and zero-width spaces. Bytes that are not UTF-8 become blanks.

    Args:
        texts: string, any shape.
    """
    valid = tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace", replacement_char=ord(" "))
    return tf_text.case_fold_utf8(valid)  # ICU's nfkc_cf: a pass of normalize_utf8 before it changes no character


def split_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Texts to words: string (batch,) -> ragged string (batch, words)."""
    return tf_text.regex_split(normalize(texts), f"{_ALONE}|{_SEPARATOR}", _ALONE)


def split_tags(texts: tf.Tensor, delimiter: str) -> tf.RaggedTensor:
    """Delimited tags to tags, blanks trimmed: string (batch,) -> ragged string (batch, tags)."""
    folded = tf.strings.regex_replace(normalize(texts), r"[\s\pZ]+", " ")
    tags = tf.strings.strip(tf.strings.split(folded, delimiter))
    return tf.ragged.boolean_mask(tags, tags != "")


class Tokenizer(tf.Module):
    """Strings to token ids.

    Args:
        split: texts to tokens.
        vocabulary_file: one token a line, the first gets id 2. The exported bundle takes it along as an asset.
        max_tokens: tokens after this many are cut off.
        as_set: ids are sorted and each counts once, so that neither order nor repetition matters.
    """

    def __init__(self, split: Split, vocabulary_file: Path, *, max_tokens: int, as_set: bool = False) -> None:
        super().__init__()
        self._split = split
        self._max_tokens = max_tokens
        self._as_set = as_set
        self._table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary_file),
                key_dtype=tf.string,
                key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
                value_dtype=tf.int64,
                value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            default_value=UNSEEN_ID - FIRST_WORD_ID,
        )

    def __call__(self, texts: tf.Tensor) -> tf.Tensor:
        """string (batch,) -> int32 (batch, length); 0 is padding, 1 a token that is not in the vocabulary."""
        tokens = self._split(texts)
        ids = tokens.with_flat_values(tf.cast(self._table.lookup(tokens.flat_values) + FIRST_WORD_ID, tf.int32))
        if not self._as_set:
            return ids[:, : self._max_tokens].to_tensor(PADDING_ID)
        # Largest first, so that the padding stays at the end.
        ids = tf.sort(ids.to_tensor(PADDING_ID), axis=1, direction="DESCENDING")
        repeated = tf.concat([tf.zeros_like(ids[:, :1], tf.bool), ids[:, 1:] == ids[:, :-1]], axis=1)
        ids = tf.sort(tf.where(repeated, PADDING_ID, ids), axis=1, direction="DESCENDING")
        return ids[:, : self._max_tokens]


def build_vocabulary(
    texts: Iterable[Sequence[str]],
    split: Split,
    *,
    size: int,
    min_count: int = 1,
    max_tracked: int = 2_000_000,
) -> list[str]:
    """The most frequent tokens of a stream of texts, most frequent first, ties by code point.

    Args:
        texts: batches of texts; read once, so it may be larger than memory.
        split: texts to tokens, the same function that the tokenizer will use.
        size: how many tokens to keep at most.
        min_count: tokens seen less often are left out.
        max_tracked: distinct tokens counted at a time. Over it, those seen least are forgotten, as in Misra and Gries,
            "Finding repeated elements" (1982): counts may then be low, never high.
    """
    counts: Counter[bytes] = Counter()
    for batch in texts:
        counts.update(split(tf.constant(batch, tf.string)).flat_values.numpy())
        while len(counts) > max_tracked:
            least = min(counts.values())
            counts = Counter({token: count - least for token, count in counts.items() if count > least})
    kept = sorted((-count, token) for token, count in counts.items() if count >= min_count)[:size]
    return [token.decode("utf-8") for _, token in kept]
