"""The FiLM merge: one input says how the features of the others are to be read."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("bifocal")
class Film(keras.layers.Layer):
    """Feature-wise linear modulation (Perez 2018, arXiv:1709.07871).

        output = [relu((1 + scale_i(c)) * x_i + shift_i(c)) for each vector x_i but the condition c], side by side

    The scales and shifts are linear in c. As in the paper, what is learned is the difference from a scale of 1, so
    that the features pass at first.

    Args:
        condition: place of c among the vectors, from 0.

    Call arguments:
        vectors: a list of two or more, float (batch, width) each; the widths may differ.

    Output shape:
        float (batch, sum of the widths of all but the condition).
    """

    def __init__(self, condition: int, **keywords: object) -> None:
        super().__init__(**keywords)
        self.condition = condition

    def build(self, vectors_shape: list[tuple[int | None, int]]) -> None:
        """Creates the kernel, float (width of c, 2 * width of the output), and the bias of scales and shifts."""
        self.modulation = keras.layers.Dense(2 * self.compute_output_shape(vectors_shape)[1], name="modulation")
        self.modulation.build(vectors_shape[self.condition])

    def call(self, vectors: list[tf.Tensor]) -> tf.Tensor:
        """(batch, width) each -> (batch, sum of the widths of all but the condition)."""
        modulated = tf.concat(self._others(vectors), axis=1)
        scale, shift = tf.split(self.modulation(vectors[self.condition]), 2, axis=1)
        return tf.nn.relu((1 + scale) * modulated + shift)

    def compute_output_shape(self, vectors_shape: list[tuple[int | None, int]]) -> tuple[int | None, int]:
        """(batch, sum of the widths of all but the condition)."""
        return (vectors_shape[0][0], sum(shape[-1] for shape in self._others(vectors_shape)))

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {**super().get_config(), "condition": self.condition}

    def _others(self, of_each_vector: list) -> list:
        return [item for place, item in enumerate(of_each_vector) if place != self.condition]
