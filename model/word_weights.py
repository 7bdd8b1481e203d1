"""How much each word of a text weighed, by the weights of the tokens that branches read. Without TensorFlow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model.signature import token_weights_of, tokens_of
from model.spec import CharacterNgramsTokenizer, ModelSpec, TagsBranch

# Tokens and what each moved the probability by.
Weighted = list[tuple[str, float]]


def token_weights(
    spec: ModelSpec, found: Mapping[str, NDArray[np.generic]], row: int, *, inputs: Collection[str]
) -> dict[str, Weighted]:
    """What one example's tokens weighed, in words where that can be.

    Runs of characters are put together to their words, which weigh what their runs weighed together. Branches over one
    input that read the same words, as words and as their spelling, are added up: the weights are attributions, which
    sum to what all of them moved. Those that read other tokens follow one another.

    Args:
        spec: of the model.
        found: the outputs of the signature `explain`: string and float32 (batch, L) of each view.
        row: of the example.
        inputs: those that the example has.

    Returns:
        For each text or tags input its tokens in their order.
    """
    read: dict[str, list[Weighted]] = {}
    for view in spec.views:
        branch = spec.token_branches.get(view.branch)
        if branch is None or view.input not in inputs:
            continue
        texts, weights = found[tokens_of(view.name)][row], found[token_weights_of(view.name)][row]
        tokens = [
            (text.decode("utf-8", "replace"), weight)
            for text, weight in zip(texts.tolist(), weights.tolist(), strict=True)
            if text
        ]
        if not isinstance(branch, TagsBranch) and isinstance(branch.tokenizer, CharacterNgramsTokenizer):
            tokens = _words(tokens, branch.tokenizer.sizes)
        read.setdefault(view.input, []).append(tokens)
    return {name: _together(branches) for name, branches in read.items()}


def _words(runs: Weighted, sizes: Sequence[int]) -> Weighted:
    """Runs of characters as `model.text.splitting.split_character_ngrams` makes them, put together to words.

    Of a text that was cut off the last word may be too.
    """
    words: Weighted = []
    at = 0
    while at < len(runs):
        start, marked = at, runs[at][0]
        while not marked.endswith(">") and at + 1 < len(runs):  # each of the shortest runs adds a character
            at += 1
            marked += runs[at][0][-1]
        count = sum(max(0, len(marked) - size + 1) for size in sizes) or 1
        at = start + count if marked.endswith(">") else len(runs)
        words.append((marked.strip("<>"), sum(weight for _, weight in runs[start:at])))
    return words


def _together(branches: Sequence[Weighted]) -> Weighted:
    """The weights of branches that read the same added up, others one after the other."""
    longest = max(branches, key=len)
    texts = [text for text, _ in longest]
    totals = [weight for _, weight in longest]
    others: Weighted = []
    for tokens in branches:
        if tokens is longest:
            continue
        if _begins_with(texts, [text for text, _ in tokens]):
            for place, (_, weight) in enumerate(tokens):
                totals[place] += weight
        else:
            others += tokens
    return [*zip(texts, totals, strict=True), *others]


def _begins_with(words: Sequence[str], some: Sequence[str]) -> bool:
    """Whether some words are the first ones; the last of a text that was cut off may be cut off itself."""
    return not some or (words[: len(some) - 1] == some[:-1] and words[len(some) - 1].startswith(some[-1]))
