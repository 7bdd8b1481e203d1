"""Words and tags left out, words swapped."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.examples import has_tokens
from model.spec import TagsInput, TextInput
from training.augment_settings import AugmentSettings


def texts(
    values: NDArray[Any], settings: AugmentSettings, seeds: NDArray[np.uint64], *, delimiter: str | None
) -> NDArray[Any]:
    """The texts of a batch, varied. A word is what stands between blanks; tags have no order, so they are only dropped.

    Where all words or tags that have tokens would be dropped, one of them stays, each as likely as the other.

    Args:
        values: object (batch,) of str, empty where absent.
        settings: how.
        seeds: uint64 (batch,), of each text's draws, so that one is varied alike in any company.
        delimiter: what stands between two tags; None for a text.

    Returns:
        object (batch,) of str; `values` itself if nothing is to be varied.
    """
    swap = settings.word_swap if delimiter is None else 0.0
    if not (settings.word_dropout or swap):
        return values
    kind = TextInput() if delimiter is None else TagsInput(delimiter=delimiter)
    varied = values.copy()
    for row, text in enumerate(values.tolist()):
        words = [word for word in text.split(delimiter) if word.strip()]
        draws = np.random.default_rng(seeds[row]).random((2, len(words)))
        kept = [word for word, draw in zip(words, draws[0].tolist(), strict=True) if draw >= settings.word_dropout]
        for place, draw in enumerate(draws[1, : len(kept) - 1].tolist() if kept else ()):
            if draw < swap:
                kept[place : place + 2] = kept[place + 1], kept[place]
        if kept != words:
            other = (delimiter or " ").join(kept)
            if not has_tokens(kind, other):  # nothing, or but a dash: the network would take it as absent
                tellers = [word for word in words if has_tokens(kind, word)]
                # The last of the draws for swaps is never used for one, as the last word has none after it.
                other = tellers[int(draws[1, -1] * len(tellers))] if tellers else text
            varied[row] = other
    return varied
