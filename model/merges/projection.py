"""Bringing vectors to one width, for the merges that go place by place."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from model.merges.features import Features


def to_one_width(views: Sequence[Features], units: int | None) -> list[keras.KerasTensor]:
    """The vectors of the views, those of another width than the rest projected linearly.

    A vector that has the width already stays as it is; the others go through a layer `merge.project.<view>`.

    Args:
        views: whose vectors are float (batch, width of the branch).
        units: the width; None is that of the widest.

    Returns:
        float (batch, units) each, in the order of the views.
    """
    width = units or max(view.vector.shape[-1] for view in views)
    return [
        view.vector
        if view.vector.shape[-1] == width
        else keras.layers.Dense(width, use_bias=False, name=f"merge.project.{view.name}")(view.vector)
        for view in views
    ]
