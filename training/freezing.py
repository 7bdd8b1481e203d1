"""Branches that keep their weights for a while, or for good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import keras


class Frozen:
    """Branches of a network that do not train until they are thawed; a batch norm in them uses its moving figures.

    Args:
        network: of `model.build`.
        branches: their names.
    """

    def __init__(self, network: keras.Model, branches: Iterable[str]) -> None:
        names = {f"{branch}.{part}" for branch in branches for part in ("branch", "lookup")}
        # Only what trained before, for part of a pretrained network may be meant to stay as it is.
        self._layers = [
            leaf for layer in network.layers if layer.name in names for leaf in leaves(layer) if leaf.trainable
        ]
        for layer in self._layers:
            layer.trainable = False

    def thaw(self) -> None:
        """Lets them train. Whatever was traced before does not know it."""
        for layer in self._layers:
            layer.trainable = True


def leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """The layers that are no models, of a model and of those in it."""
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            yield from leaves(inner)
    else:
        yield layer
