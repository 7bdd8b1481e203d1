"""A vector -> logits, and logits -> probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from model.errors import SpecError
from model.merges.pool import LogarithmicPool
from model.signature import presence_of
from model.spec import Head, ModelSpec, MultiLabelHead

# What a head with copies says itself, before they are added; no branch is named so.
OWN = "merged"


def heads(
    spec: ModelSpec,
    merged: keras.KerasTensor | None,
    vectors: Mapping[str, keras.KerasTensor],
    inputs: Mapping[str, keras.KerasTensor],
) -> dict[str, keras.KerasTensor]:
    """The logits of all heads.

    Args:
        spec: with the labels of its heads filled in.
        merged: float (batch, width), what is behind the trunk; None if no head reads it.
        vectors: for each view float (batch, width).
        inputs: for each input `<input>_present`, bool (batch,), and whatever else.

    Returns:
        `<head>`: float32 (batch, classes); and for each auxiliary copy `<head>.<view>`, likewise. If they are added,
        also `<head>.merged`, what the head says without them.

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
        if head.add_auxiliary:
            answers = {auxiliary_name(name, OWN): logits[name]}
            for seen in spec.views:
                said, present = auxiliary_name(name, seen.name), inputs[presence_of(seen.input)]
                # All zeros say nothing about the answer, and learn nothing from it.
                answers[said] = keras.ops.where(keras.ops.expand_dims(present, 1), logits[said], 0.0)
            logits |= {**answers, name: LogarithmicPool(name=f"{name}.pool")(list(answers.values()))}
    return logits


def auxiliary_of(spec: ModelSpec, head: str) -> list[str]:
    """The views that have an auxiliary copy of a head."""
    return [view.name for view in spec.views] if spec.heads[head].auxiliary_weight else []


def pooled(spec: ModelSpec, head: str) -> list[str]:
    """The names of the logits that are pooled to those of a head, in the order of their weights; none if none are."""
    names = [OWN, *auxiliary_of(spec, head)] if spec.heads[head].add_auxiliary else []
    return [auxiliary_name(head, name) for name in names]


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
