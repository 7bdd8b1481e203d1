"""How a text is cut into tokens. All but the hashed ones learn a vocabulary from the training texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PositiveInt

from model.spec.names import Sizes
from model.validation import Part, kind_alone


class WordsTokenizer(Part):
    """Whole words; a Han, Hiragana or Katakana character and a symbol count as one each.

    Args:
        vocabulary_size: how many words are told apart at most; all others share one vector.
        min_count: a word seen less often than this in the training split is not told apart.
        max_tokens: tokens after this many are not read.
    """

    kind: Literal["words"] = "words"
    vocabulary_size: PositiveInt = 20_000
    min_count: PositiveInt = 1
    max_tokens: PositiveInt = 64


class WordpieceTokenizer(Part):
    """Frequent words whole, others in pieces (Schuster and Nakajima 2012), cut longest piece first (Song 2021).

    Args:
        vocabulary_size: how many pieces there are, about.
        min_count: a word seen less often than this in the training split does not shape the pieces.
        max_tokens: pieces after this many are not read.
    """

    kind: Literal["wordpiece"] = "wordpiece"
    vocabulary_size: PositiveInt = 8_000
    min_count: PositiveInt = 1
    max_tokens: PositiveInt = 96


class CharactersTokenizer(Part):
    """Single characters, blanks between words included.

    Args:
        vocabulary_size: how many characters are told apart at most; all others share one vector.
        min_count: a character seen less often than this in the training split is not told apart.
        max_tokens: characters after this many are not read.
    """

    kind: Literal["characters"] = "characters"
    vocabulary_size: PositiveInt = 1_000
    min_count: PositiveInt = 1
    max_tokens: PositiveInt = 256


class _Hashed(Part):
    """Runs of neighbours, hashed to one of `buckets` vectors: unseen ones have a vector as well, shared by chance.

    Args:
        sizes: lengths of the runs.
        buckets: how many vectors there are.
        max_tokens: runs after this many are not read.
    """

    sizes: Sizes
    buckets: PositiveInt = 20_000
    max_tokens: PositiveInt


class WordNgramsTokenizer(_Hashed):
    """Runs of neighbouring words, hashed: "not good" is a token of its own (Weinberger 2009, arXiv:0902.2206)."""

    kind: Literal["word_ngrams"] = "word_ngrams"
    sizes: Sizes = (1, 2)
    max_tokens: PositiveInt = 128


class CharacterNgramsTokenizer(_Hashed):
    """Runs of characters within a word, its ends marked, hashed, as in fastText (Bojanowski 2017, arXiv:1607.04606).

    A misspelt word shares most of its runs with the right one. Unlike there, the whole word is not a run of its own: a
    second branch with the tokenizer `words` has it.
    """

    kind: Literal["character_ngrams"] = "character_ngrams"
    sizes: Sizes = (3, 4, 5)
    max_tokens: PositiveInt = 512


HashedTokenizer = WordNgramsTokenizer | CharacterNgramsTokenizer
LearnedTokenizer = WordsTokenizer | WordpieceTokenizer | CharactersTokenizer
Tokenizer = Annotated[LearnedTokenizer | HashedTokenizer, Field(discriminator="kind"), BeforeValidator(kind_alone)]
