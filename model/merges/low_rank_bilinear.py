"""The bilinear merge with one factor a feature: products of the inputs' projections."""

from __future__ import annotations

import math

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("bifocal")
class LowRankBilinear(keras.layers.Layer):
    """Low-rank bilinear pooling, MLB (Kim 2017, arXiv:1610.04325).

        output = P (tanh(U_1 x_1 + b_1) * ... * tanh(U_n x_n + b_n)) + b

    The paper lets one choose the nonlinearity and where it stands; its models have tanh on each projection, biases,
    and none behind the product. It merges two inputs; more are multiplied in the same way.

    Args:
        units: width of the product and of the merged vector.
        dropout: share of the products dropped in training.

    Call arguments:
        vectors: a list of two or more, float (batch, width) each; the widths may differ.
        training: False drops nothing.

    Output shape:
        float (batch, units).
    """

    def __init__(self, units: int, *, dropout: float = 0.0, **keywords: object) -> None:
        super().__init__(**keywords)
        self.units = units
        self.dropout = keras.layers.Dropout(dropout, name="dropout")

    def build(self, vectors_shape: list[tuple[int | None, int]]) -> None:
        """Creates U_i, float (width, units) each, P, float (units, units), and the biases, float (units,)."""
        self.factors = [
            keras.layers.Dense(self.units, activation="tanh", name=f"factor_{place}")
            for place, _ in enumerate(vectors_shape, start=1)
        ]
        for factor, shape in zip(self.factors, vectors_shape, strict=True):
            factor.build(shape)
        self.output_projection = keras.layers.Dense(self.units, name="output")
        self.output_projection.build((None, self.units))

    def call(self, vectors: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """(batch, width) each -> (batch, units)."""
        product = math.prod(factor(vector) for factor, vector in zip(self.factors, vectors, strict=True))
        return self.output_projection(self.dropout(product, training=training))

    def compute_output_shape(self, vectors_shape: list[tuple[int | None, int]]) -> tuple[int | None, int]:
        """(batch, units)."""
        return (vectors_shape[0][0], self.units)

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {**super().get_config(), "units": self.units, "dropout": self.dropout.rate}
