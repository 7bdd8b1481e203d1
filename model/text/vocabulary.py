"""What a tokenizer learns from the training texts: the tokens that are worth a vector of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import tensorflow as tf

from model.spec import HashedTokenizer, Input, TagsBranch, TokenBranch, WordpieceTokenizer
from model.text.splitting import Split
from model.text.tokenizers import splitter
from model.text.wordpieces import learn_wordpieces

MAX_TRACKED = 2_000_000


def learn_vocabulary(branch: TokenBranch, given: Input, batches: Iterable[Sequence[str]]) -> list[str]:
    """The vocabulary of a branch, always the same for the same texts.

    Args:
        branch: a text branch with its tokenizer, or a tags branch.
        given: the text or tags input it reads.
        batches: of texts; read once, so they may be more than fits in memory.

    Returns:
        At most `vocabulary_size` tokens, none twice: the most frequent first, for `wordpiece` the characters first.

    Raises:
        ValueError: if the tokenizer needs none.
    """
    settings = branch if isinstance(branch, TagsBranch) else branch.tokenizer
    if isinstance(settings, HashedTokenizer):
        raise ValueError(f"A tokenizer of kind {settings.kind!r} has no vocabulary: its tokens are hashed.")
    counts = count_tokens(batches, splitter(branch, given))
    if isinstance(settings, WordpieceTokenizer):
        counts = {word: count for word, count in counts.items() if count >= settings.min_count}
        return learn_wordpieces(counts, settings.vocabulary_size)
    return most_frequent(counts, size=settings.vocabulary_size, min_count=settings.min_count)


def count_tokens(
    batches: Iterable[Sequence[str]], split: Split, *, max_tracked: int = MAX_TRACKED
) -> Mapping[str, int]:
    """How often each token is seen.

    Args:
        batches: of texts.
        split: texts to tokens.
        max_tracked: distinct tokens counted at a time. Over it, those seen least are forgotten, as in Misra and Gries,
            "Finding repeated elements" (1982): counts may then be low, never high.
    """
    counts: Counter[bytes] = Counter()
    for batch in batches:
        counts.update(split(tf.constant(batch, tf.string)).flat_values.numpy())
        while len(counts) > max_tracked:
            least = min(counts.values())
            counts = Counter({token: count - least for token, count in counts.items() if count > least})
    return {token.decode("utf-8"): count for token, count in counts.items()}


def most_frequent(counts: Mapping[str, int], *, size: int, min_count: int = 1) -> list[str]:
    """The tokens that are seen most often, most frequent first, ties by code point.

    Args:
        counts: how often each token is seen.
        size: how many to keep at most.
        min_count: tokens seen less often are left out.
    """
    kept = sorted((-count, token) for token, count in counts.items() if count >= min_count)
    return [token for _, token in kept[:size]]
