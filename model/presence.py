"""What stands in for an input that is absent."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("bifocal")
class Presence(keras.layers.Layer):
    """Replaces the vector of an absent input by a learned one.

    Call arguments:
        vector: float (batch, width), what the branch made of the input, of whatever stood in its place if absent.
        present: bool (batch,).

    Output shape:
        float (batch, width).
    """

    def build(self, vector_shape: tuple[int | None, int], present_shape: tuple[int | None]) -> None:  # noqa: ARG002
        """Creates the learned vector: float (width,)."""
        self.absent = self.add_weight(name="absent", shape=(vector_shape[-1],), initializer="zeros")

    def call(self, vector: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """(batch, width), (batch,) -> (batch, width)."""
        return tf.where(present[:, tf.newaxis], vector, tf.cast(self.absent, vector.dtype))

    def compute_output_shape(
        self,
        vector_shape: tuple[int | None, int],
        present_shape: tuple[int | None],  # noqa: ARG002
    ) -> tuple[int | None, int]:
        """The shape of `vector`."""
        return vector_shape
