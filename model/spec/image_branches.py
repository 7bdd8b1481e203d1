"""The layers that turn a picture into a vector."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator

from model.spec.names import Activation, Name, Rate, Sizes
from model.validation import Part, nearest

# The networks of keras.applications, and the smallest side in pixels that each takes.
NETWORKS = {
    **dict.fromkeys(
        [
            *(f"ConvNeXt{size}" for size in ("Tiny", "Small", "Base", "Large", "XLarge")),
            *(f"DenseNet{layers}" for layers in (121, 169, 201)),
            *(f"EfficientNetB{size}" for size in range(8)),
            *(f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")),
            *("MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small"),
            *("NASNetLarge", "NASNetMobile"),
            *(f"ResNet{layers}{version}" for layers in (50, 101, 152) for version in ("", "V2")),
            *("VGG16", "VGG19"),
        ],
        32,
    ),
    "InceptionResNetV2": 75,
    "InceptionV3": 75,
    "Xception": 71,
}


class _ImageBranch(Part):
    """What all image branches have.

    Args:
        input: name of the image input it reads; the branch's own name if not given.
        pooling: how the last feature map becomes a vector: the `average` or `max` over the places, or `flatten`, all
            places side by side, which keeps where something is.
        units: width of the vector it gives.
        activation: of the dense layer that gives the vector.
        dropout: share of the pooled features dropped in training.
    """

    input: Name | None = None
    pooling: Literal["average", "max", "flatten"] = "average"
    units: PositiveInt = 96
    activation: Activation = "relu"
    dropout: Rate = 0.2


class _Stack(_ImageBranch):
    """An image branch of our own layers.

    Args:
        color: `rgb` reads three channels, `grey` one, their luma.
        normalization: `batch` puts batch normalization after the convolutions, `none` leaves it out.
    """

    color: Literal["rgb", "grey"] = "rgb"
    normalization: Literal["batch", "none"] = "batch"


class ConvBranch(_Stack):
    """The plain stack of an image: convolution, pool, convolution, pool, ..., dense.

    Args:
        filters: channels of each convolution; one stage each.
        kernel_size: side of the kernels in pixels.
        pool: side of the max pool after each convolution; the picture shrinks by it at every stage.
    """

    kind: Literal["conv"] = "conv"
    filters: tuple[PositiveInt, ...] = Field((24, 48, 96, 128), min_length=1)
    kernel_size: PositiveInt = 3
    pool: PositiveInt = 2


class InceptionBranch(_Stack):
    """Convolutions of several kernel sizes side by side and concatenated, stage after stage (Szegedy 2015).

    Args:
        filters: channels of each kernel size; one stage each.
        kernel_sizes: sides of the kernels in pixels; the larger see wider patterns.
        pool: side of the max pool after each stage.
    """

    kind: Literal["inception"] = "inception"
    filters: tuple[PositiveInt, ...] = Field((8, 16, 32, 48), min_length=1)
    kernel_sizes: Sizes = (1, 3, 5, 7)
    pool: PositiveInt = 2


class ResidualBranch(_Stack):
    """A small ResNet of basic blocks (He 2016, arXiv:1512.03385).

    Args:
        filters: channels of each stage; every stage after the first halves the picture.
        blocks: residual blocks in each stage.
        stem_stride: 1 keeps the picture's size in the first convolution, 2 halves it.
    """

    kind: Literal["residual"] = "residual"
    filters: tuple[PositiveInt, ...] = Field((24, 48, 96, 128), min_length=1)
    blocks: PositiveInt = 2
    stem_stride: Literal[1, 2] = 2


class PretrainedBranch(_ImageBranch):
    """A network of keras.applications with its own preprocessing.

    Args:
        network: its name there, as `MobileNetV2`.
        weights: `none` starts from random ones, `imagenet` from those that Keras offers (fetched once), anything else
            is a weights file of that network without its top.
        trainable_blocks: how many of its last blocks train; None is all of them, 0 leaves the network as it is.
    """

    kind: Literal["pretrained"] = "pretrained"
    network: str
    weights: Literal["none", "imagenet"] | Path = "none"
    trainable_blocks: NonNegativeInt | None = None

    @field_validator("network")
    @classmethod
    def _is_known(cls, network: str) -> str:
        if network not in NETWORKS:
            raise ValueError(f"keras.applications has no network {network!r}{nearest(network, NETWORKS)}")
        return network


ImageBranch = ConvBranch | InceptionBranch | ResidualBranch | PretrainedBranch
