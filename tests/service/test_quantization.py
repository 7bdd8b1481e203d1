"""Convolutions in 8-bit integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
import pytest
from numpy.typing import NDArray
from openvino import opset13 as operations

from service.backends import UnusableError
from service.runtime.openvino_core import compiled
from service.runtime.quantization import quantize

RANDOM = np.random.default_rng(5)
SIDE = 8


def convolution(source: Any, filters: int, channels: int, *, weights: NDArray[np.float32] | None = None) -> Any:
    drawn = RANDOM.normal(0, 0.2, (filters, channels, 3, 3)).astype(np.float32)
    return operations.convolution(source, drawn if weights is None else weights, [1, 1], [1, 1], [1, 1], [1, 1])


def picture(channels: int = 3) -> Any:
    return operations.parameter([-1, channels, SIDE, SIDE], np.uint8)


def scaled(given: Any) -> Any:
    """To -1 until 1."""
    values = operations.convert(given, np.float32)
    return operations.subtract(operations.divide(values, np.float32(127.5)), np.float32(1))


def network(*filters: int) -> openvino.Model:
    """Convolutions of a picture, one after the other, with a ReLU between."""
    given = picture()
    last = scaled(given)
    for count, seen in zip(filters, (3, *filters), strict=False):
        last = operations.relu(convolution(last, count, seen))
    return openvino.Model([last], [given], "network")


def pixels(count: int = 6, channels: int = 3) -> NDArray[np.uint8]:
    return RANDOM.integers(0, 256, (count, channels, SIDE, SIDE)).astype(np.uint8)


def answers(model: openvino.Model, *given: NDArray[Any]) -> list[NDArray[np.float32]]:
    return list(compiled(model, INFERENCE_PRECISION_HINT="f32")(dict(enumerate(given))).to_tuple())


def roundings(model: openvino.Model) -> list[Any]:
    return [node for node in model.get_ordered_ops() if node.get_type_name() == "FakeQuantize"]


def are_near(found: NDArray[np.float32], expected: NDArray[np.float32]) -> bool:
    return bool(np.abs(found - expected).max() < 0.05 * np.abs(expected).max())


def test_convolutions_behind_the_first_are_rounded_a_little() -> None:
    model, examples = network(8, 16, 8), pixels()
    quantized = quantize(model, {0: examples})
    (expected,), (given,) = answers(model, examples), answers(quantized, examples)

    assert len(roundings(quantized)) == 4  # inputs and weights of two
    assert are_near(given, expected)
    assert np.abs(given - expected).max() > 0


def test_the_model_itself_stays_as_it_was() -> None:
    model, examples = network(8, 8), pixels()
    (before,) = answers(model, examples)
    quantize(model, {0: examples})

    assert not roundings(model)
    np.testing.assert_array_equal(answers(model, examples)[0], before)


def test_values_below_zero_are_covered_too() -> None:
    given = picture()
    last = convolution(convolution(scaled(given), 8, 3), 8, 8)
    model, examples = openvino.Model([last], [given], "network"), pixels()
    (expected,), (found,) = answers(model, examples), answers(quantize(model, {0: examples}), examples)

    assert expected.min() < 0
    assert are_near(found, expected)


def test_the_largest_sums_do_not_overflow() -> None:
    """A CPU without VNNI adds pairs of products in 16 bits; on one with it, the ends of the weights tell."""
    given = picture()
    first = operations.relu(convolution(scaled(given), 8, 3, weights=np.full((8, 3, 3, 3), 0.1, np.float32)))
    last = convolution(first, 4, 8, weights=np.full((4, 8, 3, 3), 0.7, np.float32))
    model, white = openvino.Model([last], [given], "network"), np.full((2, 3, SIDE, SIDE), 255, np.uint8)
    quantized = quantize(model, {0: white})
    (expected,), (found,) = answers(model, white), answers(quantized, white)

    np.testing.assert_allclose(found, expected, rtol=0.02)
    (weights,) = [one for one in roundings(quantized) if one.input_value(0).get_node().get_type_name() == "Constant"]
    np.testing.assert_allclose(weights.input_value(2).get_node().data, np.full((4, 1, 1, 1), 1.4), rtol=1e-6)


def test_convolutions_side_by_side_share_what_they_read() -> None:
    given = picture()
    first = operations.relu(convolution(scaled(given), 6, 3))
    both = [convolution(first, 4, 6), convolution(first, 5, 6)]
    model, examples = openvino.Model(both, [given], "network"), pixels()
    quantized = quantize(model, {0: examples})

    assert len(roundings(quantized)) == 3
    for expected, found in zip(answers(model, examples), answers(quantized, examples), strict=True):
        assert are_near(found, expected)


def test_channels_of_nothing_but_zeros_do_no_harm() -> None:
    given = picture()
    first, none = operations.relu(convolution(scaled(given), 6, 3)), RANDOM.normal(0, 1, (4, 6, 3, 3))
    none[2] = 0
    last = convolution(first, 4, 6, weights=none.astype(np.float32))
    model, black = openvino.Model([last], [given], "network"), np.zeros((1, 3, SIDE, SIDE), np.uint8)
    (found,) = answers(quantize(model, {0: black}), pixels())

    assert np.isfinite(found).all()
    assert not found[:, 2].any()


def test_what_is_made_of_words_stays_as_it_is() -> None:
    words = operations.parameter([-1, 6, SIDE, SIDE], np.float32)
    last = convolution(operations.relu(convolution(words, 6, 6)), 6, 6)
    given = picture()
    seen = operations.relu(convolution(scaled(given), 6, 3))
    model = openvino.Model([convolution(seen, 6, 6), last], [given, words], "network")
    values = RANDOM.normal(size=(6, 6, SIDE, SIDE)).astype(np.float32)
    quantized = quantize(model, {0: pixels(), 1: values})

    assert len(roundings(quantized)) == 2
    examples = pixels()
    np.testing.assert_array_equal(answers(quantized, examples, values)[1], answers(model, examples, values)[1])


@pytest.mark.parametrize("filters", [(), (8,)])
def test_a_network_without_such_convolutions_says_so(filters: tuple[int, ...]) -> None:
    with pytest.raises(UnusableError, match="no convolutions behind the first"):
        quantize(network(*filters), {0: pixels()})
