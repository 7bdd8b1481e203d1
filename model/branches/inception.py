"""The inception branch: convolutions of several kernel sizes side by side."""

from __future__ import annotations

import keras

from model.branches.pictures import normalized, pixels_of, scaled, vector_of
from model.spec import ImageInput, InceptionBranch


def inception(branch: InceptionBranch, image: ImageInput, *, name: str) -> keras.Model:
    """Stages that look through several kernel sizes at once, then pooling over all places and a dense layer.

    The idea of Szegedy 2015 (arXiv:1409.4842) without its reductions by 1x1 convolutions, which pay for wide stages.

    Args:
        branch: filters, kernel sizes, pool, color, normalization, and how the vector is made.
        image: height and width of the pictures.
        name: of the branch.

    Returns:
        A model from uint8 (batch, height, width, 3) to a dict: `stage_1`, `stage_2`, ... float32 (batch, height, width,
        filters x kernel sizes), the feature map at the end of each stage, and `vector` float32 (batch, units).
    """
    pixels = pixels_of(image)
    features = scaled(branch, pixels)
    outputs = {}
    for stage, filters in enumerate(branch.filters, start=1):
        # Pooling first leaves a quarter of the values to concatenate and to normalize, and gives the same as after the
        # concatenation; docs/decisions/fused-batch-norm.md.
        arms = [_arm(branch, features, filters, size, name=f"{stage}_{size}x{size}") for size in branch.kernel_sizes]
        features = keras.layers.Concatenate(name=f"side_by_side_{stage}")(arms) if len(arms) > 1 else arms[0]
        features = normalized(branch, features, name=f"normalize_{stage}")
        features = keras.layers.ReLU(name=f"relu_{stage}")(features)
        outputs[f"stage_{stage}"] = features
    outputs["vector"] = vector_of(branch, features)
    return keras.Model(pixels, outputs, name=f"{name}.branch")


def _arm(
    branch: InceptionBranch, features: keras.KerasTensor, filters: int, kernel_size: int, *, name: str
) -> keras.KerasTensor:
    """A convolution and its pool: (batch, h, w, c) -> (batch, h / pool, w / pool, filters)."""
    features = keras.layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        use_bias=branch.normalization == "none",
        kernel_initializer="he_normal",
        name=f"convolution_{name}",
    )(features)
    return keras.layers.MaxPooling2D(branch.pool, name=f"pool_{name}")(features)
