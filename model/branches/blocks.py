"""Where a network of keras.applications falls apart: its blocks, and its feature maps of each size."""

from __future__ import annotations

import re
from itertools import pairwise

import keras

# How Keras names the layers of a block.
_OF_BLOCK = re.compile(
    r"(conv\d+_block\d+)_"  # ResNet, DenseNet
    r"|(block\d+[a-z]?)_(?!\d)"  # VGG, Xception, EfficientNet; not block35_7_conv of InceptionResNetV2
    r"|(block_\d+|expanded_conv(?:_\d+)?)_"  # MobileNetV2 and V3
    r"|conv_(?:pad|dw|pw)_(\d+)"  # MobileNet
    r"|\w+_(stage_\d+_block_\d+)_"  # ConvNeXt
    r"|(?:adjust|normal|reduction|separable_conv)_\w*?_(stem_\d|reduce_\d+|\d+)$"  # NASNet
)

# A side that falls below this share of what it was begins another stage; an unpadded convolution takes off less.
_SHRUNK = 0.75


def blocks(network: keras.Model) -> list[list[keras.layers.Layer]]:
    """The layers in blocks, from the input to the output.

    A block is what the names of Keras's layers call one; where they don't, as in the Inception networks, it is the
    stretch between two points that all paths pass. Layers between two blocks belong to the one before them, and those
    before the first are a block of their own, the stem, if they have weights.

    Args:
        network: of keras.applications, without its top.

    Returns:
        Each layer once.
    """
    starts = _named(network) or _between_bottlenecks(network)
    found: dict[str, list[keras.layers.Layer]] = {"stem": []}
    block = "stem"
    for operation in network.operations:
        block = starts.get(operation.name, block)
        # Where a network adds without a layer, the operation has nothing that could be trained.
        if isinstance(operation, keras.layers.Layer):
            found.setdefault(block, []).append(operation)
    stem, first, *others = found.values()
    if not any(layer.weights for layer in stem):
        return [stem + first, *others]
    return [stem, first, *others]


def stages(network: keras.Model) -> list[keras.KerasTensor]:
    """The last feature map of each size, from the largest to the smallest, which is the output.

    Only maps that all paths pass count, so that nothing reaches the output beside them. NASNet has but two: each of its
    cells reads the two before it.

    Args:
        network: of keras.applications, without its top.

    Returns:
        Tensors float32 (batch, height, width, channels).
    """
    maps = [
        operation.output
        for operation in _bottlenecks(network)
        # Padding is part of the next convolution, and what has three channels is still the picture.
        if not isinstance(operation, keras.layers.ZeroPadding2D) and operation.output.shape[-1] > 3
    ]
    ends = maps[:1]
    height, width = ends[0].shape[1:3]
    for one in maps[1:]:
        if one.shape[1] < _SHRUNK * height or one.shape[2] < _SHRUNK * width:
            height, width = one.shape[1:3]
            ends.append(one)
        else:
            ends[-1] = one
    return ends


def _named(network: keras.Model) -> dict[str, str]:
    """The block of each layer whose name tells it, by the layer's name."""
    matches = ((layer.name, _OF_BLOCK.match(layer.name)) for layer in network.layers)
    return {name: match[match.lastindex] for name, match in matches if match and match.lastindex}


def _between_bottlenecks(network: keras.Model) -> dict[str, str]:
    """The block that begins with a layer, by the layer's name: what follows a point where paths part."""
    passed = {operation.name for operation in _bottlenecks(network)}
    names = [operation.name for operation in network.operations]
    return {after: after for before, after in pairwise(names) if before in passed and after not in passed}


def _bottlenecks(network: keras.Model) -> list[keras.Operation]:
    """The operations that every path from the input to the output passes."""
    # They are sorted such that each comes after all that it reads; one is passed by all if no path leads beyond it.
    place = {operation.name: index for index, operation in enumerate(network.operations)}
    farthest = [0] * len(place)  # for each, the last that reads it
    for operation in network.operations[1:]:
        for tensor in keras.tree.flatten(operation.input):
            source = place[tensor._keras_history.operation.name]
            farthest[source] = max(farthest[source], place[operation.name])
    passed, reached = [], 0
    for operation, reader in zip(network.operations, farthest, strict=True):
        if reached <= place[operation.name]:
            passed.append(operation)
        reached = max(reached, reader)
    return passed
