"""The bilinear merge with several factors a feature: sums of products of the inputs' projections."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

# Bounds the slope of the root at zero by 1 / sqrt(EPSILON) = 100. What stands for an absent input is all zeros before
# training, so products of exactly zero do occur.
EPSILON = 1e-4


@keras.saving.register_keras_serializable("bifocal")
class FactorizedBilinear(keras.layers.Layer):
    """Multi-modal factorized bilinear pooling, MFB (Yu 2017, arXiv:1708.01471).

        p = dropout((U_1 x_1 + b_1) * ... * (U_n x_n + b_n))            (units * factors)
        s_u = sum of the `factors` products p that belong to unit u      (units)
        r = s / sqrt(|s| + 1e-4)                                         the signed square root
        output = r / sqrt(sum of r^2 + 1e-4)                             of length 1

    The paper's sign(s) sqrt(|s|) has no finite slope at 0; r differs from it by less than 1 % where |s| > 0.005 and
    has the slope 100 at 0. The paper merges two inputs; more are multiplied in the same way.

    Args:
        units: width of the merged vector.
        factors: products that are summed to one feature.
        dropout: share of the products dropped in training.

    Call arguments:
        vectors: a list of two or more, float (batch, width) each; the widths may differ.
        training: False drops nothing.

    Output shape:
        float (batch, units).
    """

    def __init__(self, units: int, factors: int, *, dropout: float = 0.0, **keywords: object) -> None:
        super().__init__(**keywords)
        self.units = units
        self.factors = factors
        self.dropout = keras.layers.Dropout(dropout, name="dropout")

    def build(self, vectors_shape: list[tuple[int | None, int]]) -> None:
        """Creates U_i, float (width, units * factors), and b_i, float (units * factors,), for each input."""
        self.expansions = [
            keras.layers.Dense(self.units * self.factors, name=f"expansion_{place}")
            for place, _ in enumerate(vectors_shape, start=1)
        ]
        for expansion, shape in zip(self.expansions, vectors_shape, strict=True):
            expansion.build(shape)

    def call(self, vectors: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """(batch, width) each -> (batch, units)."""
        product = math.prod(expansion(vector) for expansion, vector in zip(self.expansions, vectors, strict=True))
        product = self.dropout(product, training=training)
        summed = tf.reduce_sum(tf.reshape(product, [-1, self.units, self.factors]), axis=2)  # (B, units)
        rooted = summed * tf.math.rsqrt(tf.abs(summed) + EPSILON)
        return rooted * tf.math.rsqrt(tf.reduce_sum(rooted**2, axis=1, keepdims=True) + EPSILON)

    def compute_output_shape(self, vectors_shape: list[tuple[int | None, int]]) -> tuple[int | None, int]:
        """(batch, units)."""
        return (vectors_shape[0][0], self.units)

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        config = {"units": self.units, "factors": self.factors, "dropout": self.dropout.rate}
        return {**super().get_config(), **config}
