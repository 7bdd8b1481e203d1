"""The two ends that the image branches have in common: pixels made ready, and a feature map made a vector."""

from __future__ import annotations

import keras
import tensorflow as tf

from model.branches.normalization import FusedBatchNormalization
from model.spec import ConvBranch, ImageBranch, ImageInput, InceptionBranch, ResidualBranch

# Shares of red, green and blue in the luma, ITU-R Recommendation BT.601.
LUMA = (0.299, 0.587, 0.114)


@keras.saving.register_keras_serializable("bifocal")
class Luma(keras.layers.Layer):
    """The luma of a colour picture (ITU-R Recommendation BT.601).

    Call arguments:
        pixels: uint8 (batch, height, width, 3), red, green, blue.

    Output shape:
        float32 (batch, height, width, 1), 0 to 255.
    """

    def call(self, pixels: tf.Tensor) -> tf.Tensor:
        """(batch, height, width, 3) -> (batch, height, width, 1)."""
        return tf.tensordot(tf.cast(pixels, tf.float32), tf.constant(LUMA)[:, tf.newaxis], axes=1)

    def compute_output_shape(self, pixels_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """One channel in place of three."""
        return (*pixels_shape[:-1], 1)


def pixels_of(image: ImageInput) -> keras.KerasTensor:
    """The input of an image branch: uint8 (batch, height, width, 3)."""
    return keras.Input((image.height, image.width, 3), dtype="uint8", name="image")


def scaled(branch: ConvBranch | InceptionBranch | ResidualBranch, pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels as the branch wants them.

    Args:
        branch: says the color.
        pixels: uint8 (batch, height, width, 3).

    Returns:
        float32 (batch, height, width, 3 for `rgb` or 1 for `grey`), -1 to 1.
    """
    if branch.color == "grey":
        pixels = Luma(name="luma")(pixels)
    return keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)


def normalized(
    branch: ConvBranch | InceptionBranch | ResidualBranch, features: keras.KerasTensor, *, name: str
) -> keras.KerasTensor:
    """Features behind the branch's normalization: (batch, height, width, channels) -> the same shape."""
    return features if branch.normalization == "none" else FusedBatchNormalization(name=name)(features)


def vector_of(branch: ImageBranch, features: keras.KerasTensor) -> keras.KerasTensor:
    """The end of an image branch: pool, dropout, dense.

    Args:
        branch: pooling, dropout, units and activation.
        features: float32 (batch, height, width, channels), the last feature map.

    Returns:
        float32 (batch, units).
    """
    pool = {
        "average": keras.layers.GlobalAveragePooling2D,
        "max": keras.layers.GlobalMaxPooling2D,
        "flatten": keras.layers.Flatten,
    }[branch.pooling]
    vector = pool(name=branch.pooling)(features)
    vector = keras.layers.Dropout(branch.dropout, name="dropout")(vector)
    return keras.layers.Dense(branch.units, activation=branch.activation, name="dense")(vector)
