"""Texts to tokens, with ids."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import tensorflow as tf
import tensorflow_text as tf_text

from model.spec import (
    CharacterNgramsTokenizer,
    CharactersTokenizer,
    HashedTokenizer,
    Input,
    TagsBranch,
    TagsInput,
    TokenBranch,
    WordpieceTokenizer,
)
from model.text.splitting import (
    Split,
    joined,
    split_character_ngrams,
    split_characters,
    split_tags,
    split_word_ngrams,
    split_words,
)
from model.text.tokens import FIRST_WORD_ID, UNSEEN_ID, Tokens, padded

# string (batch,) -> ids int32 and texts string, both ragged (batch, tokens)
Cut = Callable[[tf.Tensor], tuple[tf.RaggedTensor, tf.RaggedTensor]]


class Tokenizer(tf.Module):
    """Strings to tokens.

    Args:
        cut: texts to ids and what they stand for; a `tf.Module` if it holds anything.
        max_tokens: tokens after this many are cut off.
        as_set: each id once and sorted, so that neither order nor repetition matters.
    """

    def __init__(self, cut: Cut, *, max_tokens: int, as_set: bool = False) -> None:
        super().__init__()
        self._cut = cut
        self._max_tokens = max_tokens
        self._as_set = as_set

    def __call__(self, texts: tf.Tensor) -> Tokens:
        """string (batch,) -> ids and texts (batch, length)."""
        tokens = padded(*self._cut(texts))
        return (tokens.as_set() if self._as_set else tokens).cut(self._max_tokens)


class FromVocabulary(tf.Module):
    """Looks tokens up in a vocabulary.

    Args:
        split: texts to tokens.
        vocabulary_file: one token a line, the first gets id 2. The exported bundle takes it along as an asset.
    """

    def __init__(self, split: Split, vocabulary_file: Path) -> None:
        super().__init__()
        self._split = split
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

    def __call__(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """string (batch,) -> int32 and string, ragged (batch, tokens)."""
        tokens = self._split(texts)
        ids = tf.cast(self._table.lookup(tokens.flat_values) + FIRST_WORD_ID, tf.int32)
        return tokens.with_flat_values(ids), tokens


class Hashed(tf.Module):
    """Gives a token the id that its hash falls on; FarmHash's Fingerprint64, the same everywhere and forever.

    Args:
        split: texts to tokens.
        buckets: how many ids there are, from 2 on.
    """

    def __init__(self, split: Split, buckets: int) -> None:
        super().__init__()
        self._split = split
        self._buckets = buckets

    def __call__(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """string (batch,) -> int32 and string, ragged (batch, tokens)."""
        tokens = self._split(texts)
        buckets = tf.strings.to_hash_bucket_fast(tokens.flat_values, self._buckets)
        return tokens.with_flat_values(tf.cast(buckets + FIRST_WORD_ID, tf.int32)), tokens


class Wordpieces(tf.Module):
    """Cuts each word into the longest pieces of a vocabulary, from the left (Song 2021, arXiv:2012.15524).

    A word that can't be made of pieces is one unseen token.

    Args:
        vocabulary_file: one piece a line, `##` before those that continue a word; the first gets id 2.
    """

    def __init__(self, vocabulary_file: Path) -> None:
        super().__init__()
        # splitlines() would also split at characters within a piece.
        pieces = vocabulary_file.read_text(encoding="utf-8").split("\n")[:-1]
        self._tokenizer = tf_text.FastWordpieceTokenizer(
            # No word has brackets, so these two are met in no text.
            ["[PAD]", "[UNK]", *pieces],
            unknown_token="[UNK]",  # noqa: S106  (no secret)
            # Scripts without spaces make long words; the time a word takes is linear in its length.
            max_bytes_per_word=2**30,
            no_pretokenization=True,
            token_out_type=tf.int32,
        )

    def __call__(self, texts: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """string (batch,) -> int32 and string, ragged (batch, pieces)."""
        words = split_words(texts)
        ids, starts, ends = self._tokenizer.tokenize_with_offsets(words.flat_values)  # ragged (words, pieces)
        whole = tf.repeat(words.flat_values, ids.row_lengths())
        pieces = tf.strings.substr(whole, starts.flat_values, ends.flat_values - starts.flat_values)
        return joined(ids, words), joined(ids.with_flat_values(pieces), words)


def make_tokenizer(branch: TokenBranch, given: Input, vocabulary_file: Path | None) -> Tokenizer:
    """The tokenizer of a branch.

    Args:
        branch: a text branch with its tokenizer, or a tags branch.
        given: the text or tags input it reads.
        vocabulary_file: one token a line; None if `needs_vocabulary` says so.

    Raises:
        ValueError: if the vocabulary is missing.
    """
    settings = branch if isinstance(branch, TagsBranch) else branch.tokenizer
    if isinstance(settings, HashedTokenizer):
        return Tokenizer(Hashed(splitter(branch, given), settings.buckets), max_tokens=settings.max_tokens)
    if vocabulary_file is None:
        raise ValueError(f"A tokenizer of kind {settings.kind!r} needs a vocabulary file; learn one.")
    cut: Cut
    if isinstance(settings, WordpieceTokenizer):
        cut = Wordpieces(vocabulary_file)
    else:
        cut = FromVocabulary(splitter(branch, given), vocabulary_file)
    return Tokenizer(cut, max_tokens=settings.max_tokens, as_set=isinstance(settings, TagsBranch))


def splitter(branch: TokenBranch, given: Input) -> Split:
    """What cuts texts for a branch: into tags, characters, runs, or words, of which pieces are made."""
    if isinstance(given, TagsInput):
        return partial(split_tags, delimiter=given.delimiter)
    settings = None if isinstance(branch, TagsBranch) else branch.tokenizer
    if isinstance(settings, HashedTokenizer):
        ngrams = split_character_ngrams if isinstance(settings, CharacterNgramsTokenizer) else split_word_ngrams
        return partial(ngrams, sizes=settings.sizes)
    return split_characters if isinstance(settings, CharactersTokenizer) else split_words


def needs_vocabulary(branch: TokenBranch) -> bool:
    """Whether its tokens are looked up in a vocabulary, which is to be learned, rather than hashed."""
    return isinstance(branch, TagsBranch) or not isinstance(branch.tokenizer, HashedTokenizer)


def num_ids(branch: TokenBranch, vocabulary_size: int) -> int:
    """Rows of the embedding table: padding, unseen, and the vocabulary or the buckets.

    Args:
        branch: whose tokens they are.
        vocabulary_size: lines of its vocabulary; of no account for one that needs none.
    """
    if not isinstance(branch, TagsBranch) and isinstance(branch.tokenizer, HashedTokenizer):
        return branch.tokenizer.buckets + FIRST_WORD_ID
    return vocabulary_size + FIRST_WORD_ID
