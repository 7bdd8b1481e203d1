"""The plain image branch: convolution, pool, convolution, pool, ..., dense."""

from __future__ import annotations

import keras

from model.branches.normalization import FusedBatchNormalization
from model.spec import ConvBranch, ImageInput


def conv(branch: ConvBranch, image: ImageInput, *, name: str) -> keras.Model:
    """A stack of convolutions, each followed by max pooling, then global average pooling and a dense layer.

    Args:
        branch: filters, kernel size, pool, normalization, units and dropout.
        image: height and width of the pictures.
        name: of the branch.

    Returns:
        uint8 (batch, height, width, 3) -> float32 (batch, units).
    """
    pixels = keras.Input((image.height, image.width, 3), dtype="uint8", name="image")
    features = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)
    for stage, filters in enumerate(branch.filters, start=1):
        features = keras.layers.Conv2D(
            filters,
            branch.kernel_size,
            padding="same",
            use_bias=branch.normalization == "none",
            kernel_initializer="he_normal",
            name=f"convolution_{stage}",
        )(features)
        # Pooling first leaves a quarter of the values to normalize; docs/decisions/fused-batch-norm.md.
        features = keras.layers.MaxPooling2D(branch.pool, name=f"pool_{stage}")(features)
        if branch.normalization == "batch":
            features = FusedBatchNormalization(name=f"normalize_{stage}")(features)
        features = keras.layers.ReLU(name=f"relu_{stage}")(features)
    vector = keras.layers.GlobalAveragePooling2D(name="average")(features)
    vector = keras.layers.Dropout(branch.dropout, name="dropout")(vector)
    vector = keras.layers.Dense(branch.units, activation="relu", name="dense")(vector)
    return keras.Model(pixels, vector, name=f"{name}.branch")
