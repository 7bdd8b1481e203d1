"""A vector -> logits, and logits -> probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

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
    """
    last = {
        name: keras.layers.Dense(len(head.labels), dtype="float32", name=f"{name}.head")
        for name, head in spec.heads.items()
        if head.last_layer_of is None
    }
    logits = {}
    for name, head in spec.heads.items():
        source = merged if head.of is None else vectors[head.of]
        logits[name] = last[head.last_layer_of or name](_hidden(head, source, name=name))
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


def probabilities(head: Head, logits: tf.Tensor) -> tf.Tensor:
    """Softmax over the labels, or a sigmoid for each of a multi-label head: float32 (batch, classes) both."""
    return tf.sigmoid(logits) if isinstance(head, MultiLabelHead) else tf.nn.softmax(logits)


def _hidden(head: Head, vector: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
    for layer, units in enumerate(head.units, start=1):
        vector = keras.layers.Dense(units, activation="relu", name=f"{name}.hidden.{layer}")(vector)
    return vector
