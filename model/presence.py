"""What stands in for an input that is absent."""

from __future__ import annotations

import keras
import tensorflow as tf

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("bifocal")
class Presence(keras.layers.Layer):
    """Replaces the vector of an absent input by a learned one.

    Call arguments:
        vector: float (batch, width), what the branch made of the input, of whatever stood in its place if absent.
        present: bool (batch,).

    Output shape:
        float (batch, width).
    """

    def build(self, vector_shape: Shape, present_shape: Shape) -> None:  # noqa: ARG002
        """Creates the learned vector: float (width,)."""
        self.absent = self.add_weight(name="absent", shape=(vector_shape[-1],), initializer="zeros")

    def call(self, vector: tf.Tensor, present: tf.Tensor) -> tf.Tensor:
        """(batch, width), (batch,) -> (batch, width)."""
        return tf.where(present[:, tf.newaxis], vector, tf.cast(self.absent, vector.dtype))

    def compute_output_shape(self, vector_shape: Shape, present_shape: Shape) -> Shape:  # noqa: ARG002
        """The shape of `vector`."""
        return vector_shape


@keras.saving.register_keras_serializable("bifocal")
class StatesPresence(keras.layers.Layer):
    """The same for the places of a picture or the tokens of a text: one learned place stands in for all of them.

    Call arguments:
        states: float (batch, length, width).
        real: bool (batch, length), which of them are; not called a mask, which Keras would take for one of its own.
        present: bool (batch,).

    Output shape:
        float (batch, length + 1, width) and bool (batch, length + 1): the learned place comes first, and either it or
        the given ones are real.
    """

    def build(self, states_shape: Shape, real_shape: Shape, present_shape: Shape) -> None:  # noqa: ARG002
        """Creates the learned place: float (width,)."""
        self.absent = self.add_weight(name="absent", shape=(states_shape[-1],), initializer="zeros")

    def call(self, states: tf.Tensor, real: tf.Tensor, present: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(batch, length, width), (batch, length), (batch,) -> the same, one place longer."""
        absent = tf.broadcast_to(tf.cast(self.absent, states.dtype), [tf.shape(states)[0], 1, states.shape[-1]])
        given = present[:, tf.newaxis]
        return tf.concat([absent, states], axis=1), tf.concat([~given, real & given], axis=1)

    def compute_output_shape(
        self,
        states_shape: Shape,
        real_shape: Shape,
        present_shape: Shape,  # noqa: ARG002
    ) -> tuple[Shape, Shape]:
        """One place more than given."""
        length = None if states_shape[1] is None else states_shape[1] + 1
        return (states_shape[0], length, states_shape[2]), (real_shape[0], length)
