"""Chains of convolutions taken out of an OpenVINO model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from model.winograd.filters import SIZES
from service.backends import UnsuitableError
from service.runtime.winograd.affine import Affine, constant
from service.runtime.winograd.chain import Chain, Convolution

if TYPE_CHECKING:
    import openvino

_TO_CHANNELS_FIRST = [0, 3, 1, 2]


def cut(model: openvino.Model) -> tuple[openvino.Model, dict[str, Chain]]:
    """A copy of a model that takes what chains make of its pictures, in place of the pictures.

    Args:
        model: in float32; its pictures are its inputs of type uint8, (batch, height, width, channels).

    Returns:
        The copy, and for each input that it now takes from a chain that chain, by the names of its inputs.

    Raises:
        UnsuitableError: if behind no picture are two convolutions or more that a chain can have.
    """
    import openvino

    model = model.clone()
    chains = {}
    for parameter in model.get_parameters():
        shape = parameter.get_partial_shape()
        if parameter.get_element_type() != openvino.Type.u8 or shape.rank.is_dynamic or len(shape) != 4:
            continue
        walk = _Walk(parameter)
        chain = walk.chain()
        if chain is not None:
            _replace(model, parameter, walk.end, chain)
            chains[parameter.output(0).get_any_name()] = chain
    if not chains:
        raise UnsuitableError(
            "The network has no two convolutions behind a picture, one behind the other, with stride 1, as many "
            f"outputs as inputs and kernels of {', '.join(f'{size}x{size}' for size in SIZES)}."
        )
    model.validate_nodes_and_infer_types()
    return model, chains


def _replace(model: openvino.Model, parameter: Any, end: Any, chain: Chain) -> None:
    """An input that takes what the chain gives, where the chain ended."""
    from openvino import opset13 as operations

    taken = operations.parameter([-1, *chain.shape], np.float32)
    targets = end.get_target_inputs()
    given = operations.transpose(taken, np.array(_TO_CHANNELS_FIRST)).output(0)
    for target in targets:
        target.replace_source_output(given)
    taken.output(0).get_tensor().set_names(parameter.output(0).get_names())
    model.add_parameters([taken])
    model.remove_parameter(parameter)


class _Walk:
    """From a picture as far as a chain can go."""

    def __init__(self, parameter: Any) -> None:
        self.end = parameter.output(0)  # of what was understood up to here
        self._shape = parameter.get_partial_shape()

    def chain(self) -> Chain | None:
        """The chain, if it has two convolutions at least: the first gains nothing."""
        if any(length.is_dynamic for length in list(self._shape)[1:]):
            return None
        height, width, channels = (length.get_length() for length in list(self._shape)[1:])
        pixels = self._pixels(channels)
        convolutions: list[Convolution] = []
        while pixels is not None and (found := self._convolution(is_first=not convolutions)) is not None:
            convolutions.append(found)
        if pixels is None or len(convolutions) < 2:
            return None
        scale, shift = (of.astype(np.float32) for of in (pixels.scale, pixels.shift))
        return Chain(height, width, scale, shift, tuple(convolutions))

    def _pixels(self, channels: int) -> Affine | None:
        """What becomes of pixels before the first convolution: numbers, channels first."""
        affine, axis, is_converted = Affine(channels), -1, False
        while (node := self._next()) is not None:
            kind = node.get_type_name()
            if kind == "Convert" and not is_converted and node.get_element_type().to_dtype() == np.float32:
                is_converted = True
            elif kind == "Transpose" and axis == -1 and _moves_channels_first(node):
                axis = 1
            elif not is_converted or not affine.takes(node, self.end, axis):
                break
            self.end = node.output(0)
        return affine if is_converted and axis == 1 else None

    def _convolution(self, *, is_first: bool) -> Convolution | None:
        """The convolution that comes next, and what belongs to it."""
        node = self._next()
        weights = None if node is None else _weights(node, is_first=is_first)
        if node is None or weights is None:
            return None
        kernels = weights.astype(np.float64)
        self.end = node.output(0)
        affine, is_pooled, is_rectified = Affine(len(kernels)), False, False
        while (node := self._next()) is not None:
            kind = node.get_type_name()
            if kind == "Relu" and not is_rectified:
                is_rectified = True
            elif kind == "MaxPool" and not is_pooled and _halves(node):
                # What was multiplied before goes into the kernels; what was added or rectified may as well come behind.
                kernels *= affine.scale[:, np.newaxis, np.newaxis, np.newaxis]
                affine.scale = np.ones_like(affine.scale)
                is_pooled = True
            elif is_rectified or not affine.takes(node, self.end, 1):
                break
            self.end = node.output(0)
        return Convolution(
            kernels.astype(np.float32),
            affine.scale.astype(np.float32),
            affine.shift.astype(np.float32),
            is_pooled=is_pooled,
            is_rectified=is_rectified,
        )

    def _next(self) -> Any | None:
        """The one node that takes what is at the end; None if there are none or more."""
        targets = list(self.end.get_target_inputs())
        return targets[0].get_node() if len(targets) == 1 else None


def _moves_channels_first(transpose: Any) -> bool:
    order = constant(transpose, 1)
    return order is not None and order.tolist() == _TO_CHANNELS_FIRST


def _weights(node: Any, *, is_first: bool) -> NDArray[np.float32] | None:
    """Those of a convolution that a chain can have; the first is computed directly, with kernels of any odd size."""
    weights = constant(node, 1) if node.get_type_name() == "Convolution" else None
    if weights is None or weights.dtype != np.float32:
        return None
    about = node.get_attributes()
    height, width = weights.shape[2:]
    border = [height // 2] * 2
    is_plain = (
        height == width
        and (height in SIZES or (is_first and height % 2 == 1))
        and list(about["strides"]) == list(about["dilations"]) == [1, 1]
        and list(about["pads_begin"]) == list(about["pads_end"]) == border
    )
    return weights if is_plain else None


def _halves(node: Any) -> bool:
    """Whether a pool takes the maximum of every 2 x 2."""
    about = node.get_attributes()
    return (
        list(about["kernel"]) == list(about["strides"]) == [2, 2]
        and list(about.get("dilations", [1, 1])) == [1, 1]  # the first version has none
        and list(about["pads_begin"]) == list(about["pads_end"]) == [0, 0]
        and about["rounding_type"] == "floor"
        and not any(places.get_target_inputs() for places in node.outputs()[1:])
    )
