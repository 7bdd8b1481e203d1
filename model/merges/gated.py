"""The gated merge: each input is weighed, unit by unit, by what all inputs are."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("bifocal")
class Gated(keras.layers.Layer):
    """The gated multimodal unit (Arevalo 2017, arXiv:1702.01992).

        h_i = tanh(W_i x_i)
        z = softmax over the inputs of W_z [x_1; ...; x_n], for each unit
        output = sum over the inputs of z_i * h_i

    For two inputs that is the paper's z and 1 - z, as a softmax of two is a sigmoid of their difference.

    Args:
        units: width of the merged vector.

    Call arguments:
        vectors: a list of two or more, float (batch, width) each; the widths may differ.

    Output shape:
        float (batch, units).
    """

    def __init__(self, units: int, **keywords: object) -> None:
        super().__init__(**keywords)
        self.units = units

    def build(self, vectors_shape: list[tuple[int | None, int]]) -> None:
        """Creates W_i, float (width, units) each, and W_z, float (sum of the widths, inputs * units)."""
        self.candidates = [
            keras.layers.Dense(self.units, activation="tanh", use_bias=False, name=f"candidate_{place}")
            for place, _ in enumerate(vectors_shape, start=1)
        ]
        for candidate, shape in zip(self.candidates, vectors_shape, strict=True):
            candidate.build(shape)
        self.gate = keras.layers.Dense(len(vectors_shape) * self.units, use_bias=False, name="gate")
        self.gate.build((None, sum(shape[-1] for shape in vectors_shape)))

    def call(self, vectors: list[tf.Tensor]) -> tf.Tensor:
        """(batch, width) each -> (batch, units)."""
        candidates = [candidate(vector) for candidate, vector in zip(self.candidates, vectors, strict=True)]
        return tf.reduce_sum(self.gates(vectors) * tf.stack(candidates, axis=1), axis=1)

    def gates(self, vectors: list[tf.Tensor]) -> tf.Tensor:
        """How much each input weighs in each unit: float (batch, inputs, units), 1 when summed over the inputs."""
        scores = tf.reshape(self.gate(tf.concat(vectors, axis=1)), [-1, len(vectors), self.units])
        return tf.nn.softmax(scores, axis=1)

    def compute_output_shape(self, vectors_shape: list[tuple[int | None, int]]) -> tuple[int | None, int]:
        """(batch, units)."""
        return (vectors_shape[0][0], self.units)

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {**super().get_config(), "units": self.units}
