"""What a merge gets of each view."""

from __future__ import annotations

from dataclasses import dataclass

import keras


@dataclass(frozen=True)
class Features:
    """What a branch made of an input.

    Args:
        name: of the view.
        vector: float (batch, width); a learned vector stands in it for an absent input.
        states: float (batch, places, depth), the places of the last feature map or the tokens, before pooling; a
            learned place stands in for those of an absent input. None for a merge that looks at vectors alone.
        mask: bool (batch, places), which of them are real, at least one for each example; None likewise.
        is_words: whether the input is a text or tags.
    """

    name: str
    vector: keras.KerasTensor
    states: keras.KerasTensor | None
    mask: keras.KerasTensor | None
    is_words: bool
