"""Several answers to one question made one."""

from __future__ import annotations

import keras
import tensorflow as tf

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable("bifocal")
class LogarithmicPool(keras.layers.Layer):
    """A weighted sum of logits: the product of the answers' probabilities, each to the power of its weight.

    Known as the logarithmic opinion pool (Genest and Zidek 1986, doi:10.1214/ss/1177013825) and, with weights of 1, as
    a product of experts. The weights do not train with the rest: on the rows that the answers were learned from, one
    that knows them by heart looks like the best. `training.pooling` fits them on the validation rows.

    Call arguments:
        logits: a list, float32 (batch, classes) each.

    Output shape:
        float32 (batch, classes).
    """

    def build(self, logits_shape: list[Shape]) -> None:
        """Creates the weights: float (number of answers,)."""
        self.shares = self.add_weight(name="shares", shape=(len(logits_shape),), initializer="ones", trainable=False)

    def call(self, logits: list[tf.Tensor]) -> tf.Tensor:
        """(batch, classes) each -> (batch, classes)."""
        return tf.einsum("kbc,k->bc", tf.stack(logits), tf.convert_to_tensor(self.shares))

    def compute_output_shape(self, logits_shape: list[Shape]) -> Shape:
        """The shape of any of them."""
        return logits_shape[0]
