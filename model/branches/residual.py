"""The residual branch: a small ResNet."""

from __future__ import annotations

import keras
import tensorflow as tf

from model.branches.pictures import normalized, pixels_of, scaled, vector_of
from model.spec import ImageInput, ResidualBranch


@keras.saving.register_keras_serializable("bifocal")
class LearnedScale(keras.layers.Layer):
    """Multiplies by one learned number.

    Args:
        initial: the number it starts from.

    Call arguments:
        features: float32 of any shape.

    Output shape:
        that of `features`.
    """

    def __init__(self, initial: float, **keywords: object) -> None:
        super().__init__(**keywords)
        self.initial = initial

    def build(self, features_shape: tuple[int | None, ...]) -> None:  # noqa: ARG002
        """Creates the number: float32 ()."""
        self.scale = self.add_weight(name="scale", shape=(), initializer=keras.initializers.Constant(self.initial))

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Any shape -> the same shape."""
        return features * tf.convert_to_tensor(self.scale)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of `features`."""
        return features_shape

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {**super().get_config(), "initial": self.initial}


def residual(branch: ResidualBranch, image: ImageInput, *, name: str) -> keras.Model:
    """A convolution, stages of basic residual blocks (He 2016, arXiv:1512.03385), then pooling and a dense layer.

    Args:
        branch: filters, blocks, stem stride, color, normalization, and how the vector is made.
        image: height and width of the pictures.
        name: of the branch.

    Returns:
        A model from uint8 (batch, height, width, 3) to a dict: `stage_1`, `stage_2`, ... float32 (batch, height, width,
        channels), the feature map at the end of each stage, and `vector` float32 (batch, units).
    """
    pixels = pixels_of(image)
    features = _convolution(branch, scaled(branch, pixels), branch.filters[0], stride=branch.stem_stride, name="stem")
    features = keras.layers.ReLU(name="stem_relu")(features)
    outputs = {}
    for stage, filters in enumerate(branch.filters, start=1):
        for block in range(1, branch.blocks + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            features = _block(branch, features, filters, stride=stride, name=f"stage_{stage}_block_{block}")
        outputs[f"stage_{stage}"] = features
    outputs["vector"] = vector_of(branch, features)
    return keras.Model(pixels, outputs, name=f"{name}.branch")


def _block(
    branch: ResidualBranch, features: keras.KerasTensor, filters: int, *, stride: int, name: str
) -> keras.KerasTensor:
    """Two convolutions, added to what came in: (batch, h, w, c) -> (batch, h / stride, w / stride, filters)."""
    inner = _convolution(branch, features, filters, stride=stride, name=f"{name}_1")
    inner = keras.layers.ReLU(name=f"{name}_1_relu")(inner)
    inner = _convolution(branch, inner, filters, name=f"{name}_2")
    if branch.normalization == "none":
        # Without normalization each block would about double the variance. Scaled by one over the root of their number,
        # all of them together leave it within a factor of e (De and Smith 2020, arXiv:2002.10444, SkipInit). They start
        # from 0 or this; from 0, no convolution in a block would have a gradient in the first step.
        inner = LearnedScale((len(branch.filters) * branch.blocks) ** -0.5, name=f"{name}_scale")(inner)
    if stride != 1:
        # Picks the pixels that a 1x1 convolution with this stride would read. Of fewer than 16 channels, oneDNN writes
        # past its memory in the backward pass of such a one (github.com/uxlfoundation/oneDNN/issues/6035).
        features = keras.layers.MaxPooling2D(1, strides=stride, padding="same", name=f"{name}_picked")(features)
    if stride != 1 or features.shape[-1] != filters:
        features = _convolution(branch, features, filters, kernel_size=1, name=f"{name}_shortcut")
    return keras.layers.ReLU(name=f"{name}_relu")(keras.layers.Add(name=f"{name}_add")([features, inner]))


def _convolution(
    branch: ResidualBranch,
    features: keras.KerasTensor,
    filters: int,
    *,
    name: str,
    kernel_size: int = 3,
    stride: int = 1,
) -> keras.KerasTensor:
    """A convolution with the branch's normalization: (batch, h, w, c) -> (batch, h / stride, w / stride, filters)."""
    features = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="same",
        use_bias=branch.normalization == "none",
        kernel_initializer="he_normal",
        name=name,
    )(features)
    return normalized(branch, features, name=f"{name}_normalize")
