"""Batch normalization through TensorFlow's fused kernel.

Keras 3 computes it from separate reductions, which take most of a training step on a CPU; see
docs/decisions/fused-batch-norm.md.
"""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("bifocal")
class FusedBatchNormalization(keras.layers.Layer):
    """Batch normalization over the channels of a feature map (Ioffe and Szegedy 2015, arXiv:1502.03167).

    As Keras's own, it normalizes by its moving figures and leaves them alone, in training too, once it is made not
    trainable: a frozen network must not drift. A `tf.function` traced before `trainable` was changed keeps what it was.

    Args:
        momentum: share of the moving mean and variance kept at a training step.
        epsilon: added to the variance.
        rescale: False leaves the learned scale out, where the next layer can scale as well.

    Call arguments:
        features: float32 (batch, height, width, channels).
        training: True normalizes by the batch and updates the moving mean and variance, False normalizes by those.

    Output shape:
        that of `features`.
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-3, rescale: bool = True, **keywords: object) -> None:
        super().__init__(**keywords)
        self.momentum = momentum
        self.epsilon = epsilon
        self.rescale = rescale

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Creates scale, offset, moving mean and moving variance: float32 (channels,) each, in Keras's order."""
        shape = (features_shape[-1],)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones") if self.rescale else None
        self.offset = self.add_weight(name="offset", shape=shape, initializer="zeros")
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
        self.variance = self.add_weight(name="variance", shape=shape, initializer="ones", trainable=False)

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """(batch, height, width, channels) -> the same shape."""
        by_batch = training and self.trainable
        if by_batch and tf.distribute.get_strategy().num_replicas_in_sync > 1:
            return self._by_whole_batch(features)
        offset = tf.convert_to_tensor(self.offset)
        result = tf.raw_ops.FusedBatchNormV3(
            x=features,
            scale=tf.ones_like(offset) if self.scale is None else tf.convert_to_tensor(self.scale),
            offset=offset,
            mean=tf.zeros([0]) if by_batch else tf.convert_to_tensor(self.mean),
            variance=tf.zeros([0]) if by_batch else tf.convert_to_tensor(self.variance),
            epsilon=self.epsilon,
            is_training=by_batch,
        )
        if by_batch:
            keep = self.momentum
            self.mean.assign(keep * self.mean + (1 - keep) * result.batch_mean)
            self.variance.assign(keep * self.variance + (1 - keep) * result.batch_variance)
        return result.y

    def _by_whole_batch(self, features: tf.Tensor) -> tf.Tensor:
        """The same where replicas share a batch out: by the mean and variance of all of it, whatever part this one has.

        The sums are of the distances from the moving mean, which all replicas have in common: once that has followed
        the features, the variance is no difference of two large numbers (Chan 1983,
        doi:10.1080/00031305.1983.10483115).
        """
        away = features - self.mean
        axes = [0, 1, 2]
        places = tf.cast(tf.reduce_prod(tf.shape(features)[:-1]), features.dtype)
        # One message for all three. Of a part without a row all are zero.
        sums = tf.concat([tf.reduce_sum(away, axes), tf.reduce_sum(away * away, axes), places[tf.newaxis]], axis=0)
        sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, sums)
        channels = features.shape[-1]
        count = sums[-1]
        shift = sums[:channels] / count
        variance = tf.maximum(sums[channels : 2 * channels] / count - shift * shift, 0.0)  # rounding may go below
        mean = self.mean + shift
        keep = self.momentum
        self.mean.assign(keep * self.mean + (1 - keep) * mean)
        # As the fused kernel gives it, without bias.
        self.variance.assign(keep * self.variance + (1 - keep) * variance * count / tf.maximum(count - 1, 1))
        scale = None if self.scale is None else tf.convert_to_tensor(self.scale)
        return tf.nn.batch_normalization(
            features, mean, variance, tf.convert_to_tensor(self.offset), scale, self.epsilon
        )

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of `features`."""
        return features_shape

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "rescale": self.rescale,
        }
