"""The cross-attention merge: the places of a picture look at the words, the words at the places."""

from __future__ import annotations

import keras
import tensorflow as tf

from model.merges.positions import sinusoids

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("bifocal")
class CrossAttention(keras.layers.Layer):
    """Co-attention between the states of all views (Lu 2019, arXiv:1908.02265), then a mean over each view's own.

        x_i = normalize_i(P_i states_i) + positions                       (batch, places of i, units)
        y_i = normalize(x_i + dropout(attention(queries x_i, keys and values x_j of all other views j)))
        output = [mean of y_i over its real places, for each view i], side by side

    P_i and the scale and offset of normalize_i belong to the view: the offset is the learned vector that says which
    view a place is of. Normalizing before the positions are added keeps them from drowning states that are small.
    Attention and the last normalization are shared by all views, which the paper's are not, and there is no layer
    behind them as the paper has; both keep it cheap. Attention has no biases: one on the keys would get no gradient.

    Args:
        units: width that the states are projected to.
        attention_heads: `units` is divided among them.
        dropout: share of what was attended to dropped in training.

    Call arguments:
        states: a list of two or more, float (batch, places, depth) each; numbers of places and depths may differ.
        masks: a list as long, bool (batch, places) each, at least one place real for each example. The others change
            nothing, whatever stands there.
        training: False drops nothing.

    Output shape:
        float (batch, units * number of views).
    """

    def __init__(self, units: int, attention_heads: int, *, dropout: float = 0.0, **keywords: object) -> None:
        super().__init__(**keywords)
        self.units = units
        self.attention = keras.layers.MultiHeadAttention(
            attention_heads, units // attention_heads, use_bias=False, name="attention"
        )
        self.dropout = keras.layers.Dropout(dropout, name="dropout")
        self.normalization = keras.layers.LayerNormalization(name="normalization")

    def build(self, states_shape: list[Shape], masks_shape: list[Shape]) -> None:  # noqa: ARG002
        """Creates P_i, float (depth, units) each, the four kernels of the attention, and scales and offsets."""
        self.projections = []
        self.view_normalizations = []
        for view, shape in enumerate(states_shape, start=1):
            self.projections.append(keras.layers.Dense(self.units, use_bias=False, name=f"project_{view}"))
            self.projections[-1].build(shape)
            self.view_normalizations.append(keras.layers.LayerNormalization(name=f"normalize_{view}"))
            self.view_normalizations[-1].build((None, None, self.units))
        self.attention.build((None, None, self.units), (None, None, self.units))
        self.normalization.build((None, None, self.units))

    def call(self, states: list[tf.Tensor], masks: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """(batch, places, depth) and (batch, places) each -> (batch, units * number of views)."""
        projected = [self._projected(*view) for view in zip(states, masks, range(len(states)), strict=True)]
        vectors = []
        for own, (queries, mask) in enumerate(zip(projected, masks, strict=True)):
            seen = tf.concat([view for place, view in enumerate(projected) if place != own], axis=1)
            real = tf.concat([view for place, view in enumerate(masks) if place != own], axis=1)
            attended = self.attention(queries, seen, attention_mask=real[:, tf.newaxis])
            attended = self.dropout(attended, training=training)
            vectors.append(_mean(self.normalization(queries + attended), mask))
        return tf.concat(vectors, axis=1)

    def compute_output_shape(self, states_shape: list[Shape], masks_shape: list[Shape]) -> Shape:  # noqa: ARG002
        """(batch, units * number of views)."""
        return (states_shape[0][0], self.units * len(states_shape))

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        attention = {"attention_heads": self.attention.num_heads, "dropout": self.dropout.rate}
        return {**super().get_config(), "units": self.units, **attention}

    def _projected(self, states: tf.Tensor, mask: tf.Tensor, place: int) -> tf.Tensor:
        """x_i: (batch, places, depth) -> (batch, places, units)."""
        # A weight of zero does not hide a NaN.
        real = tf.where(mask[:, :, tf.newaxis], states, 0)
        return self.view_normalizations[place](self.projections[place](real)) + sinusoids(
            tf.shape(states)[1], self.units
        )


def _mean(states: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean over the real places: (batch, places, units), (batch, places) -> (batch, units)."""
    weights = tf.cast(mask, states.dtype)[:, :, tf.newaxis]
    return tf.math.divide_no_nan(tf.reduce_sum(states * weights, axis=1), tf.reduce_sum(weights, axis=1))
