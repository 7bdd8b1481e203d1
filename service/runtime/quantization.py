"""Convolutions of an OpenVINO model computed in 8-bit integers.

Quantization after training, as Nagel et al. (2021), "A White Paper on Neural Network Quantization", describe it:
weights with a scale for each output channel, activations with one for all, from the least and the greatest value that
examples bring about. OpenVINO computes in integers what stands between two such roundings.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from service.backends import UnsuitableError
from service.runtime.openvino_core import compiled

if TYPE_CHECKING:
    import openvino

_LEVELS = 256
# Weights take half of their levels. CPUs without VNNI add two products of 8 bits in 16, which must not overflow:
# 2 * 255 * 64 fits, 2 * 255 * 127 does not. With VNNI too, so that machines answer alike.
_HEADROOM = 2.0


class _Reached(IntEnum):
    """What a value in the network is made of."""

    NO_PICTURE = 0
    PIXELS = 1
    CONVOLVED = 2


def quantize(model: openvino.Model, examples: Mapping[int, NDArray[Any]]) -> openvino.Model:
    """A copy of a model that rounds what goes into the convolutions of its pictures, and their weights, to 8 bits.

    The first convolutions stay in float32. They see pixels, of which whole areas are alike (a white background), so
    that errors of rounding add up instead of cancelling out; and they are the cheapest.

    Args:
        model: in float32; its pictures are its inputs of type uint8.
        examples: a batch for each input, by its place; whose values say which range is to be covered.

    Raises:
        UnsuitableError: if there is no convolution with constant weights behind the first ones.
    """
    model = model.clone()
    convolutions = _convolutions(model)
    if not convolutions:
        raise UnsuitableError("The network has no convolutions behind the first ones of a picture.")
    # Convolutions side by side, with kernels of several sizes, have the same source.
    sources = {_key(node.input_value(0)): node.input_value(0) for node in convolutions}
    ranges = _ranges(model, list(sources.values()), examples)
    rounded = {key: _rounded(sources[key], *found) for key, found in zip(sources, ranges, strict=True)}
    for node in convolutions:
        node.input(0).replace_source_output(rounded[_key(node.input_value(0))])
        node.input(1).replace_source_output(_rounded_weights(node.input_value(1).get_node().data))
    model.validate_nodes_and_infer_types()
    return model


def _convolutions(model: openvino.Model) -> list[Any]:
    """Those that see what other convolutions made of a picture."""
    reached: dict[str, _Reached] = {}
    found = []
    for node in model.get_ordered_ops():
        sources = [reached[one.get_source_output().get_node().get_name()] for one in node.inputs()]
        here = max(sources, default=_Reached.NO_PICTURE)
        kind = node.get_type_name()
        if kind == "Parameter" and node.get_element_type().to_dtype() == np.uint8:
            here = _Reached.PIXELS
        if kind == "Convolution" and here == _Reached.CONVOLVED and _has_constant_weights(node):
            found.append(node)
        if kind in ("Convolution", "GroupConvolution") and here:
            here = _Reached.CONVOLVED
        reached[node.get_name()] = here
    return found


def _has_constant_weights(node: Any) -> bool:
    return bool(node.input_value(1).get_node().get_type_name() == "Constant")


def _key(output: Any) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _ranges(
    model: openvino.Model, sources: list[Any], examples: Mapping[int, NDArray[Any]]
) -> list[tuple[float, float]]:
    """The least and the greatest value of each source."""
    import openvino
    from openvino import opset13 as operations

    ends = []
    for source in sources:
        axes = np.arange(len(source.get_partial_shape()))
        ends += [reduce(source, axes, False) for reduce in (operations.reduce_min, operations.reduce_max)]
    probe = openvino.Model(ends, model.get_parameters(), "probe")
    answers = compiled(probe, INFERENCE_PRECISION_HINT="f32")(dict(examples))
    values = [float(one) for one in answers.to_tuple()]
    return list(zip(values[::2], values[1::2], strict=True))


def _rounded(source: Any, least: float, greatest: float) -> Any:
    """Without a sign where zero is the least, as behind a ReLU; else with zero in the middle."""
    from openvino import opset13 as operations

    most = max(-least, greatest) or 1.0
    low, high = (0.0, most) if least == 0 else (-most * _LEVELS / (_LEVELS - 2), most)
    ends = [operations.constant(np.full([1] * len(source.get_partial_shape()), end, np.float32)) for end in (low, high)]
    return operations.fake_quantize(source, *ends, *ends, _LEVELS).output(0)


def _rounded_weights(weights: NDArray[np.float32]) -> Any:
    """Of each output channel by its own greatest weight."""
    from openvino import opset13 as operations

    most = np.abs(weights).max(axis=tuple(range(1, weights.ndim)), keepdims=True)
    high = np.where(most > 0, most, 1).astype(np.float32) * np.float32(_HEADROOM)
    ends = [operations.constant(end) for end in (-high, high)]
    return operations.fake_quantize(operations.constant(weights), *ends, *ends, _LEVELS - 1).output(0)
