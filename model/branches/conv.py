"""The plain image branch: convolution, pool, convolution, pool, ..., dense."""

from __future__ import annotations

import keras

from model.branches.convolving import Convolution
from model.branches.pictures import normalized, pixels_of, scaled, vector_of
from model.spec import ConvBranch, ImageInput


def conv(branch: ConvBranch, image: ImageInput, *, name: str) -> keras.Model:
    """A stack of convolutions, each followed by max pooling, then pooling over all places and a dense layer.

    Args:
        branch: filters, kernel size, pool, color, normalization, and how the vector is made.
        image: height and width of the pictures.
        name: of the branch.

    Returns:
        A model from uint8 (batch, height, width, 3) to a dict: `stage_1`, `stage_2`, ... float32 (batch, height, width,
        channels), the feature map at the end of each stage, and `vector` float32 (batch, units).
    """
    pixels = pixels_of(image)
    features = scaled(branch, pixels)
    outputs = {}
    for stage, filters in enumerate(branch.filters, start=1):
        features = Convolution(
            filters,
            branch.kernel_size,
            padding="same",
            use_bias=branch.normalization == "none",
            kernel_initializer="he_normal",
            name=f"convolution_{stage}",
        )(features)
        # Pooling first leaves a quarter of the values to normalize; docs/decisions/fused-batch-norm.md.
        features = keras.layers.MaxPooling2D(branch.pool, name=f"pool_{stage}")(features)
        features = normalized(branch, features, name=f"normalize_{stage}")
        features = keras.layers.ReLU(name=f"relu_{stage}")(features)
        outputs[f"stage_{stage}"] = features
    outputs["vector"] = vector_of(branch, features)
    return keras.Model(pixels, outputs, name=f"{name}.branch")
