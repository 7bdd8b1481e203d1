"""The two ends that the token branches have in common: what they take, and the states of the tokens made a vector."""

from __future__ import annotations

from typing import Literal

import keras
import tensorflow as tf

from model.spec import TokenBranch
from model.text import PADDING_ID

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("bifocal")
class TokenPooling(keras.layers.Layer):
    """Mean, sum or maximum of the states of the tokens, padding left out.

    Args:
        mode: `mean`, `sum` or `max`.

    Call arguments:
        states: float (batch, length, width).
        tokens: int32 (batch, length), 0 is padding.

    Output shape:
        float (batch, width); zeros where an example has no token.
    """

    def __init__(self, mode: Literal["mean", "sum", "max"], **keywords: object) -> None:
        super().__init__(**keywords)
        self.mode = mode

    def call(self, states: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """(batch, length, width), (batch, length) -> (batch, width)."""
        real = (tokens != PADDING_ID)[:, :, tf.newaxis]  # (B, L, 1)
        if self.mode == "max":
            highest = tf.reduce_max(tf.where(real, states, states.dtype.min), axis=1)
            return tf.where(tf.reduce_any(real, axis=1), highest, 0)
        total = tf.reduce_sum(tf.where(real, states, 0), axis=1)
        if self.mode == "sum":
            return total
        return total / tf.maximum(tf.reduce_sum(tf.cast(real, states.dtype), axis=1), 1)

    def compute_output_shape(self, states_shape: Shape, tokens_shape: Shape) -> Shape:  # noqa: ARG002
        """The shape of `states` without the length."""
        return (states_shape[0], states_shape[2])

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {**super().get_config(), "mode": self.mode}


@keras.saving.register_keras_serializable("bifocal")
class AttentionPooling(keras.layers.Layer):
    """A mean of the states with learned weights, the softmax of v·tanh(W h + b) (Yang 2016, "Hierarchical Attention
    Networks for Document Classification", equations 5 to 7).

    Call arguments:
        states: float (batch, length, width), the h.
        tokens: int32 (batch, length), 0 is padding.

    Output shape:
        float (batch, width); zeros where an example has no token.
    """

    def build(self, states_shape: Shape, tokens_shape: Shape) -> None:  # noqa: ARG002
        """Creates W: float (width, width), b: float (width,) and v: float (width,)."""
        width = states_shape[-1]
        self.projection = self.add_weight(name="projection", shape=(width, width), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")
        self.context = self.add_weight(name="context", shape=(width, 1), initializer="glorot_uniform")

    def call(self, states: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """(batch, length, width), (batch, length) -> (batch, width)."""
        real = (tokens != PADDING_ID)[:, :, tf.newaxis]  # (B, L, 1)
        scores = tf.tanh(tf.matmul(states, self.projection) + self.bias) @ self.context
        # Without a single token all scores are the lowest, so the weights are even: finite, and so are the gradients.
        weights = tf.nn.softmax(tf.where(real, scores, scores.dtype.min), axis=1)
        return tf.reduce_sum(tf.where(real, weights * states, 0), axis=1)

    def compute_output_shape(self, states_shape: Shape, tokens_shape: Shape) -> Shape:  # noqa: ARG002
        """The shape of `states` without the length."""
        return (states_shape[0], states_shape[2])


def token_inputs(branch: TokenBranch) -> dict[str, keras.KerasTensor]:
    """What a token branch takes: `embedded` float32 (batch, length, dimension) and `tokens` int32 (batch, length)."""
    return {
        "embedded": keras.Input((None, branch.dimension), name="embedded"),
        "tokens": keras.Input((None,), dtype="int32", name="tokens"),
    }


def pool(
    mode: Literal["mean", "sum", "max", "attention"], states: keras.KerasTensor, tokens: keras.KerasTensor
) -> keras.KerasTensor:
    """The states of the tokens made one: (batch, length, width), (batch, length) -> (batch, width)."""
    layer = AttentionPooling(name="pooling") if mode == "attention" else TokenPooling(mode, name="pooling")
    return layer(states, tokens)


def without_padding(states: keras.KerasTensor, tokens: keras.KerasTensor) -> keras.KerasTensor:
    """States with zeros in the place of padding: (batch, length, width), (batch, length) -> the same shape."""
    return keras.ops.where(keras.ops.expand_dims(is_real(tokens), -1), states, 0.0)


def is_real(tokens: keras.KerasTensor) -> keras.KerasTensor:
    """Which tokens are no padding: (batch, length) -> bool of the same shape."""
    return keras.ops.not_equal(tokens, PADDING_ID)


def vector_of(branch: TokenBranch, pooled: keras.KerasTensor) -> keras.KerasTensor:
    """Dropout and a dense layer: float (batch, width) -> float32 (batch, units)."""
    pooled = keras.layers.Dropout(branch.dropout, name="dropout")(pooled)
    return keras.layers.Dense(branch.units, activation=branch.activation, name="dense")(pooled)
