"""Arithmetic with constants, channel by channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from openvino import opset13 as operations

from service.runtime.winograd.affine import Affine

CHANNELS = 4
VALUES = np.arange(1, CHANNELS + 1, dtype=np.float32)
Made = Callable[[Any], Any]


def taken(make: Made, *, axis: int = 1) -> Affine | None:
    """What follows from twice a node, if it can be taken."""
    source = operations.parameter([-1, CHANNELS, CHANNELS, CHANNELS], np.float32)
    affine = Affine(CHANNELS)
    return affine if all(affine.takes(make(source), source.output(0), axis) for _ in range(2)) else None


@pytest.mark.parametrize(
    ("make", "scale", "shift"),
    [
        (lambda source: operations.multiply(source, np.float32(3)), 9, 0),
        (lambda source: operations.add(np.float32(3), source), 1, 6),
        (lambda source: operations.subtract(source, np.float32(3)), 1, -6),
        (lambda source: operations.divide(source, np.float32(2)), 0.25, 0),
    ],
    ids=["multiply", "add", "subtract", "divide"],
)
def test_one_value_is_that_of_every_channel(make: Made, scale: float, shift: float) -> None:
    affine = taken(make)

    assert affine is not None
    np.testing.assert_allclose(np.broadcast_to(affine.scale, CHANNELS), scale)
    np.testing.assert_allclose(np.broadcast_to(affine.shift, CHANNELS), shift)


@pytest.mark.parametrize(
    ("shape", "axis", "is_taken"),
    [
        ((CHANNELS,), -1, True),
        ((CHANNELS,), 1, False),  # along rows, though they are as many
        ((CHANNELS, 1, 1), 1, True),
        ((1, CHANNELS, 1, 1), 1, True),
        ((1, CHANNELS, 1, 1), -1, False),
        ((1, 1, CHANNELS, 1), 1, False),
        ((1, 1, CHANNELS, 1, 1), 1, False),
    ],
)
def test_values_have_to_lie_along_the_channels(shape: tuple[int, ...], axis: int, is_taken: bool) -> None:
    affine = taken(lambda source: operations.multiply(source, VALUES.reshape(shape)), axis=axis)

    assert (affine is not None) == is_taken
    if affine is not None:
        np.testing.assert_allclose(affine.scale, VALUES**2)


@pytest.mark.parametrize(
    "make",
    [
        lambda source: operations.subtract(np.float32(1), source),
        lambda source: operations.divide(np.float32(1), source),
        lambda source: operations.divide(source, np.float32(0)),
        lambda source: operations.add(source, operations.relu(source)),
        operations.relu,
    ],
    ids=["taken from", "divided into", "divided by nothing", "no constant", "no arithmetic"],
)
def test_other_nodes_are_left(make: Made) -> None:
    assert taken(make) is None
