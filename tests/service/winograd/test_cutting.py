"""What is taken out of an OpenVINO model, and that it stays the same model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino
import pytest
from numpy.typing import NDArray
from openvino import opset1
from openvino import opset13 as operations

from service.backends import UnusableError
from service.runtime.openvino_core import compiled
from service.runtime.winograd.chain import Chain
from service.runtime.winograd.cutting import cut
from tests.service.winograd.chains import expected

SIDE = 12
RANDOM = np.random.default_rng(3)
Layer = Callable[[Any], Any]


def picture() -> Any:
    given = operations.parameter([-1, SIDE, SIDE, 3], np.uint8)
    given.output(0).get_tensor().set_names({"image:0"})
    return given


def numbers(given: Any) -> Any:
    """Pixels from -1 to 1, channels first, as TensorFlow's converter leaves them."""
    values = operations.transpose(operations.convert(given, np.float32), np.array([0, 3, 1, 2]))
    return operations.add(operations.multiply(values, np.float32(1 / 127.5)), np.float32(-1))


def convolved(
    filters: int, channels: int, size: int = 3, *, strides: int = 1, border: int | None = None, dilations: int = 1
) -> Layer:
    weights = RANDOM.normal(0, 0.2, (filters, channels, size, size)).astype(np.float32)
    around = [size // 2 if border is None else border] * 2
    return lambda source: operations.convolution(source, weights, [strides] * 2, around, around, [dilations] * 2)


def pooled(source: Any, *, strides: int = 2) -> Any:
    return operations.max_pool(source, [strides] * 2, [1, 1], [0, 0], [0, 0], [2, 2]).output(0)


def scaled(channels: int) -> Layer:
    """By values of either sign."""
    values = RANDOM.normal(size=(1, channels, 1, 1)).astype(np.float32)
    return lambda source: operations.multiply(source, values)


def shifted(channels: int) -> Layer:
    values = RANDOM.normal(size=(1, channels, 1, 1)).astype(np.float32)
    return lambda source: operations.add(source, values)


def model(*layers: Layer, before: Layer = numbers) -> openvino.Model:
    given = picture()
    last = before(given)
    for layer in layers:
        last = layer(last)
    return openvino.Model([operations.reduce_mean(last, np.array([2, 3]))], [given], "network")


def answers(of: openvino.Model, given: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(compiled(of, INFERENCE_PRECISION_HINT="f32")({0: given})[0])


def assert_same(whole: openvino.Model) -> Chain:
    """That the chain and what is left of the model are the model; and the chain."""
    given = RANDOM.integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    before = answers(whole, given)
    rest, chains = cut(whole)
    (chain,) = chains.values()

    assert [*chains] == ["image:0"] == [one.get_any_name() for one in rest.inputs]
    found = answers(rest, expected(chain, given).astype(np.float32))
    np.testing.assert_allclose(found, before, atol=1e-5)
    np.testing.assert_array_equal(answers(whole, given), before)  # it stayed as it was
    return chain


def left_of(chain: Chain) -> list[tuple[int, bool, bool]]:
    return [(len(one.kernels), one.is_pooled, one.is_rectified) for one in chain.convolutions]


def test_as_the_default_model_has_them() -> None:
    layers = [convolved(8, 3, 5), pooled, scaled(8), shifted(8), operations.relu]
    chain = assert_same(model(*layers, convolved(16, 8, 5), pooled, scaled(16), shifted(16), operations.relu))

    assert left_of(chain) == [(8, True, True), (16, True, True)]
    assert chain.shape == (SIDE // 4, SIDE // 4, 16)


def test_what_stands_before_a_pool_may_as_well_stand_behind_it() -> None:
    before = [scaled(8), shifted(8), operations.relu, pooled]
    chain = assert_same(model(convolved(8, 3), *before, convolved(8, 8), scaled(8), pooled, shifted(8), scaled(8)))

    assert left_of(chain) == [(8, True, True), (8, True, False)]


def test_every_arithmetic_with_constants() -> None:
    values = RANDOM.uniform(1, 2, (1, 8, 1, 1)).astype(np.float32)
    layers: list[Layer] = [
        lambda source: operations.subtract(source, values),
        lambda source: operations.divide(source, values),
        lambda source: operations.multiply(values, source),
        lambda source: operations.add(values, source),
    ]
    chain = assert_same(model(convolved(8, 3), *layers, convolved(8, 8), *layers))

    assert left_of(chain) == [(8, False, False)] * 2


def test_pixels_that_are_scaled_before_channels_come_first() -> None:
    def normalized(given: Any) -> Any:
        values = operations.convert(given, np.float32)
        values = operations.subtract(values, np.array([100, 110, 120], np.float32))
        values = operations.multiply(values, np.array([[[[0.1, 0.2, 0.3]]]], np.float32))
        return operations.transpose(values, np.array([0, 3, 1, 2]))

    chain = assert_same(model(convolved(8, 3), convolved(8, 8), before=normalized))
    np.testing.assert_allclose(chain.scale, [0.1, 0.2, 0.3], rtol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        convolved(8, 8, strides=2),
        convolved(8, 8, border=0),
        convolved(8, 8, dilations=2, border=2),
        convolved(8, 8, 1),
        convolved(8, 8, 9),
        lambda source: pooled(pooled(source)),
        lambda source: pooled(source, strides=1),
        lambda source: operations.add(operations.relu(source), np.float32(1)),
        lambda source: operations.subtract(np.float32(1), source),
        lambda source: operations.multiply(source, RANDOM.normal(size=(1, 1, SIDE, 1)).astype(np.float32)),
        lambda source: operations.add(source, operations.relu(source)),
        lambda source: operations.divide(source, np.float32(0)),
        operations.sigmoid,
    ],
    ids=[
        "strides",
        "no border",
        "dilations",
        "kernel of 1",
        "kernel of 9",
        "pooled twice",
        "pooled without strides",
        "added to behind the rectifier",
        "taken from a constant",
        "multiplied along rows",
        "added to itself",
        "divided by nothing",
        "another activation",
    ],
)
def test_the_chain_ends_before_what_it_cannot_have(layer: Layer) -> None:
    chain = assert_same(model(convolved(8, 3), convolved(8, 8), layer))

    assert len(chain.convolutions) == 2


def test_constants_that_add_a_dimension_are_the_end() -> None:
    def widened(source: Any) -> Any:
        more = operations.add(source, RANDOM.normal(size=(1, 1, 1, 1, 1)).astype(np.float32))
        return operations.squeeze(more, np.array([0]))

    assert len(assert_same(model(convolved(8, 3), convolved(8, 8), widened)).convolutions) == 2


def test_a_pool_of_the_first_version_has_no_dilations() -> None:
    def pool(source: Any) -> Any:
        return opset1.max_pool(source, [2, 2], [0, 0], [0, 0], [2, 2])

    assert left_of(assert_same(model(convolved(8, 3), pool, convolved(8, 8)))) == [(8, True, False), (8, False, False)]


@pytest.mark.parametrize("shape", [[-1, -1, SIDE, 3], [-1, SIDE * SIDE * 3]])
def test_pictures_without_a_size_are_left_alone(shape: list[int]) -> None:
    given = operations.parameter(shape, np.uint8)
    with pytest.raises(UnusableError, match="no two convolutions"):
        cut(openvino.Model([operations.convert(given, np.float32)], [given], "network"))


def test_what_several_take_is_the_end() -> None:
    def forked(source: Any) -> Any:
        return operations.concat([convolved(8, 8)(source), convolved(8, 8, 5)(source)], 1)

    assert len(assert_same(model(convolved(8, 3), convolved(8, 8), forked)).convolutions) == 2


def test_two_pictures_have_a_chain_each() -> None:
    layers = (convolved(8, 3), operations.relu, convolved(8, 8))
    givens = [picture(), picture()]
    ends = []
    for number, given in enumerate(givens):
        given.output(0).get_tensor().set_names({f"image{number}:0"})
        last = numbers(given)
        for layer in layers:
            last = layer(last)
        ends.append(last)
    whole = openvino.Model([operations.subtract(*ends)], givens, "network")
    rest, chains = cut(whole)

    assert chains.keys() == {"image0:0", "image1:0"} == {one.get_any_name() for one in rest.inputs}


@pytest.mark.parametrize(
    "whole",
    [
        model(convolved(8, 3)),
        model(convolved(8, 3, strides=2), convolved(8, 8)),
        model(convolved(8, 3), operations.sigmoid, convolved(8, 8)),
        model(lambda source: operations.add(convolved(8, 3)(source), convolved(8, 3)(source)), convolved(8, 8)),
        openvino.Model([operations.relu(given := operations.parameter([-1, 8], np.float32))], [given], "words"),
    ],
    ids=["one", "with strides", "no two behind each other", "side by side", "no picture"],
)
def test_without_two_convolutions_behind_each_other_there_is_nothing_to_win(whole: openvino.Model) -> None:
    with pytest.raises(UnusableError, match="no two convolutions behind a picture"):
        cut(whole)
