"""A vector -> logits, and logits -> probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from model.errors import SpecError
from model.spec import Head, ModelSpec, MultiLabelHead


def heads(
    spec: ModelSpec, merged: keras.KerasTensor | None, vectors: Mapping[str, keras.KerasTensor]
) -> dict[str, keras.KerasTensor]:
    """The logits of all heads.

    Args:
        spec: with the labels of its heads filled in.
        merged: float (batch, width), what is behind the trunk; None if no head reads it.
        vectors: for each view float (batch, width).

    Returns:
        `<head>`: float32 (batch, classes); and for each auxiliary copy `<head>.<view>`, likewise.

    Raises:
        SpecError: if heads with one last layer give it features of different widths.
    """
    last = {
        name: keras.layers.Dense(len(head.labels), dtype="float32", name=f"{name}.head")
        for name, head in spec.heads.items()
        if head.last_layer_of is None
    }
    logits = {}
    # Those with a last layer of their own first, so that the error names the one that borrows.
    for name, head in sorted(spec.heads.items(), key=lambda item: item[1].last_layer_of is not None):
        source = merged if head.of is None else vectors[head.of]
        features = _hidden(head, source, name=name)
        layer = last[head.last_layer_of or name]
        if layer.built and layer.kernel.shape[0] != features.shape[-1]:
            raise SpecError(
                f"heads.{name}.last_layer_of: the last layer of {head.last_layer_of!r} takes {layer.kernel.shape[0]} "
                f"features, this head gives {features.shape[-1]}. Give both heads 'units' that end in one width."
            )
        logits[name] = layer(features)
        for view in auxiliary_of(spec, name):
            features = _hidden(head, vectors[view], name=f"{name}.{view}")
            copy = keras.layers.Dense(len(head.labels), dtype="float32", name=f"{auxiliary_name(name, view)}.head")
            logits[auxiliary_name(name, view)] = copy(features)
    return logits


def auxiliary_of(spec: ModelSpec, head: str) -> list[str]:
    """The views that have an auxiliary copy of a head."""
    return [view.name for view in spec.views] if spec.heads[head].auxiliary_weight else []


def auxiliary_name(head: str, view: str) -> str:
    """Name of the logits of a head's auxiliary copy; no head and no view is named so."""
    return f"{head}.{view}"


def probabilities(head: Head, logits: tf.Tensor, temperature: float = 1.0) -> tf.Tensor:
    """Softmax over the labels, or a sigmoid for each of a multi-label head: float32 (batch, classes) both.

    Args:
        head: single-label or multi-label.
        logits: float32 (batch, classes).
        temperature: they are divided by it.
    """
    logits = calibrated(logits, temperature)
    return tf.sigmoid(logits) if isinstance(head, MultiLabelHead) else tf.nn.softmax(logits)


def calibrated(logits: tf.Tensor, temperature: float) -> tf.Tensor:
    """Logits divided by a temperature, which changes how sure they are and not which is the highest."""
    return logits if temperature == 1 else logits / temperature


def _hidden(head: Head, vector: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
    for layer, units in enumerate(head.units, start=1):
        vector = keras.layers.Dense(units, activation="relu", name=f"{name}.hidden.{layer}")(vector)
    return vector
