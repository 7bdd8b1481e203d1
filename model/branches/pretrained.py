"""The branch around a network of keras.applications, and the loading of its weights."""

from __future__ import annotations

import textwrap
from pathlib import Path

import keras
import numpy as np

from model.branches import network
from model.branches.blocks import blocks, stages
from model.branches.pictures import pixels_of, vector_of
from model.errors import SpecError, StorageError
from model.spec import ImageInput, PretrainedBranch

# The layer of the branch that holds the network.
NETWORK = "network"


def pretrained(branch: PretrainedBranch, image: ImageInput, *, name: str) -> keras.Model:
    """A network of keras.applications without its top, then pooling over all places and a dense layer.

    It starts from random weights, whatever the branch says; `load_weights` puts in the others.

    Args:
        branch: network, trainable blocks, and how the vector is made.
        image: height and width of the pictures.
        name: of the branch.

    Returns:
        A model from uint8 (batch, height, width, 3) to a dict: `stage_1`, `stage_2`, ... float32 (batch, height, width,
        channels), the network's last feature map of each size, and `vector` float32 (batch, units).

    Raises:
        SpecError: if more blocks are to train than there are.
    """
    made = network.untrained(branch.network, (image.height, image.width, 3))
    _freeze(branch, made, name=name)
    # The output goes first as well: Keras sorts layers by how they are reached from the outputs, and by their order the
    # weights of another such network are given to them.
    maps = keras.Model(made.input, [made.output, *stages(made)], name=NETWORK)

    pixels = pixels_of(image)
    ready = network.Preprocessing(branch.network, name="preprocess")(pixels)
    _, *features = maps(ready)
    outputs = {f"stage_{stage}": feature for stage, feature in enumerate(features, start=1)}
    outputs["vector"] = vector_of(branch, features[-1])
    return keras.Model(pixels, outputs, name=f"{name}.branch")


def load_weights(model: keras.Model, branch: PretrainedBranch) -> None:
    """Puts the weights that a branch names into its network.

    Args:
        model: made by `pretrained` of the same branch.
        branch: says which weights; `none` leaves the model as it is.

    Raises:
        StorageError: if Keras's weights can't be fetched.
        SpecError: if a file can't be read, or does not fit the network.
    """
    if branch.weights == "none":
        return
    where = f"branches.{model.name.removesuffix('.branch')}.weights"
    shape = model.input_shape[1:]
    load = _from_imagenet if branch.weights == "imagenet" else _from_file
    source = load(branch, shape, where=where)
    _divide_once_more(branch, source)
    model.get_layer(NETWORK).set_weights(source.get_weights())


def _freeze(branch: PretrainedBranch, made: keras.Model, *, name: str) -> None:
    """Lets only the last blocks train."""
    if branch.trainable_blocks is None:
        return
    found = blocks(made)
    if branch.trainable_blocks > len(found):
        raise SpecError(
            f"branches.{name}.trainable_blocks: {branch.network} has {len(found)} blocks. Received: "
            f"{branch.trainable_blocks}. Leave it out to train them all."
        )
    for block in found[: len(found) - branch.trainable_blocks]:
        for layer in block:
            layer.trainable = False
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0  # a block that is to stay as it is should not drop anything either


def _from_imagenet(branch: PretrainedBranch, shape: network.Shape, *, where: str) -> keras.Model:
    try:
        return network.original(branch.network, shape, weights="imagenet")
    except Exception as error:  # Keras raises bare ones here
        raise StorageError(
            f"{where}: the imagenet weights of {branch.network} can't be fetched: {_shortened(error)} Name a weights "
            "file of it on this machine, or use 'none'."
        ) from error


def _from_file(branch: PretrainedBranch, shape: network.Shape, *, where: str) -> keras.Model:
    path = Path(branch.weights)
    if not path.is_file():
        raise SpecError(f"{where}: no file {path}. Expected 'none', 'imagenet' or a weights file.")
    try:
        return network.original(branch.network, shape, weights=str(path))
    except Exception as error:  # h5py, zipfile and Keras each raise their own
        raise SpecError(
            f"{where}: {path} does not fit {branch.network} without its top: {_shortened(error)} Expected a "
            ".weights.h5 or .h5 file that Keras saved from such a network."
        ) from error


def _divide_once_more(branch: PretrainedBranch, source: keras.Model) -> None:
    """Makes an EfficientNet with ImageNet's figures divide by the root of the standard deviation once more.

    Its weights were trained so, and Keras adds a layer that does it, but only where it fetches them itself
    (github.com/tensorflow/tensorflow/issues/49930). Here the variance it divides by takes that in, so that the network
    is the same wherever its weights are from.
    """
    deviation = getattr(network.module_of(branch.network), "IMAGENET_STDDEV_RGB", None)
    for layer in source.layers:
        if deviation is not None and isinstance(layer, keras.layers.Normalization):
            variance = layer.adapt_variance.numpy()
            if np.allclose(variance, np.square(deviation), atol=1e-4):
                layer.adapt_variance.assign(variance**1.5)


def _shortened(error: Exception) -> str:
    return textwrap.shorten(str(error), 400, placeholder=" ...")
