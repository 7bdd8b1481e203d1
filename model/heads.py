"""A vector -> logits, and what belongs to a prediction task: its loss and its activation."""

from __future__ import annotations

import keras
import tensorflow as tf

from model.spec import SingleLabelHead


def logits(spec: SingleLabelHead, vector: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
    """The logits of a head: float (batch, width) -> float32 (batch, classes)."""
    return keras.layers.Dense(len(spec.labels), dtype="float32", name=f"{name}.head")(vector)


def probabilities(head_logits: tf.Tensor) -> tf.Tensor:
    """Softmax over the classes: float32 (batch, classes) -> the same shape."""
    return tf.nn.softmax(head_logits)


def loss(head_logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Mean cross entropy in nats.

    Args:
        head_logits: float32 (batch, classes).
        targets: int32 (batch,), the index of the right class.
    """
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=head_logits))
