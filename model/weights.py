"""The weights of a network by the part they belong to, so that one part can be taken over by another network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.build import FUSION
from model.errors import BundleError

# Names of parts: a branch's own name (its lookup included), `<branch>.presence`, `merge`, `trunk`, a head's own name,
# `<head>.<view>` for an auxiliary copy, and `<head>.pool` for how much each counts where copies are added. Within a
# part the weights are in the order of building.
Parts = dict[str, list[keras.Variable]]
Values = dict[str, list[NDArray[np.generic]]]


def parts(network: keras.Model) -> Parts:
    """The weights of a network of `model.build`, trained or not (as moving means), by part."""
    found: Parts = {}
    for layer in _layers(network):
        if layer.weights:
            found.setdefault(_part(layer.name), []).extend(layer.weights)
    return found


def values(network: keras.Model) -> Values:
    """The same as arrays."""
    return {part: [variable.numpy() for variable in variables] for part, variables in parts(network).items()}


def read(saved_model: Path) -> Values:
    """The weights of an exported network by part, as `model.export` keeps them.

    Raises:
        BundleError: if the files can't be read.
    """
    try:
        reader = tf.train.load_checkpoint(str(saved_model / "variables" / "variables"))
        keys = [key for key in reader.get_variable_to_shape_map() if key.startswith("weights/")]
        values = {key: reader.get_tensor(key) for key in keys}
    except (tf.errors.OpError, ValueError, RuntimeError) as error:
        raise BundleError(f"The weights of {saved_model.name} can't be read: {error}") from error
    found: dict[str, dict[int, NDArray[np.generic]]] = {}
    for key, value in values.items():
        _, part, number = key.split("/")[:3]
        # Checkpoints write a dot in a name twice.
        found.setdefault(part.replace("..", "."), {})[int(number)] = value
    return {part: [weights[number] for number in sorted(weights)] for part, weights in found.items()}


def assign(network: keras.Model, values: Mapping[str, Sequence[NDArray[np.generic]]]) -> None:
    """Gives a network all its weights; values of parts that it does not have, as dropped copies, are left.

    Raises:
        BundleError: if a part is missing or does not fit.
    """
    for part, variables in parts(network).items():
        given = values.get(part, [])
        if [tuple(value.shape) for value in given] != [tuple(variable.shape) for variable in variables]:
            raise BundleError(f"The weights of {part!r} do not fit the spec they are said to be of.")
        for variable, value in zip(variables, given, strict=True):
            variable.assign(value)


def _layers(network: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in network.layers:
        if layer.name == FUSION:
            yield from layer.layers
        else:
            yield layer


def _part(layer: str) -> str:
    """`image.branch`, `image.lookup` -> image; `image.presence` -> itself; `merge.x` -> merge; `y.head` -> y."""
    first = layer.partition(".")[0]
    if first in ("merge", "trunk"):
        return first
    owner, _, kind = layer.rpartition(".")
    if kind in ("branch", "lookup", "head"):
        return owner
    if kind == "pool":
        return f"{owner}.pool"
    if kind in ("presence", "states_presence"):
        return f"{owner}.presence"
    return owner.rpartition(".hidden")[0]
