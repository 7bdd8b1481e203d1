"""Convolutions of a network, by TensorFlow or by native code."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.branches.convolving import Convolution, by_winograd
from model.native import library
from tests.native import needs_native


def layer(filters: int = 8, size: int = 3, *, channels: int = 8, **settings: object) -> Convolution:
    keras.utils.set_random_seed(0)
    made = Convolution(filters, size, **{"padding": "same", **settings})
    made.build((None, 9, 7, channels))
    return made


def features(channels: int = 8) -> tf.Tensor:
    return tf.constant(np.random.default_rng(channels).normal(size=(2, 9, 7, channels)), tf.float32)


def graph_of(function: Callable[[tf.Tensor], object], given: tf.Tensor) -> set[str]:
    """The kinds of operations of a function's graph."""
    concrete = tf.function(function, autograph=False).get_concrete_function(tf.TensorSpec(given.shape))
    return {operation.type for operation in concrete.graph.get_operations()}


def answer_and_gradients(made: Convolution, given: tf.Tensor, *, is_native: bool) -> list[np.ndarray]:
    @tf.function(autograph=False)
    def compute() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(given)
            found = made(given)
            loss = tf.reduce_sum(tf.sin(found))
        return [found, *tape.gradient(loss, [given, *(weight.value for weight in made.trainable_weights)])]

    with by_winograd(is_native):
        return [tensor.numpy() for tensor in compute()]


@needs_native
@pytest.mark.parametrize("channels", [3, 8])
@pytest.mark.parametrize("size", [3, 5, 7])
def test_native_code_gives_what_tensorflow_gives(channels: int, size: int) -> None:
    made, given = layer(16, size, channels=channels), features(channels)
    assert made.fits_native_code
    native = answer_and_gradients(made, given, is_native=True)

    for found, right in zip(native, answer_and_gradients(made, given, is_native=False), strict=True):
        np.testing.assert_allclose(found, right, rtol=0, atol=3e-5 * np.abs(right).max())


@needs_native
def test_only_what_is_traced_within_has_native_code() -> None:
    made, given = layer(), features()
    with by_winograd():
        within = graph_of(made, given)
        with by_winograd(False):
            assert graph_of(made, given) == graph_of(layer(), given)

    assert "PyFuncStateless" in within
    assert "Conv2D" not in within
    assert "PyFuncStateless" not in graph_of(made, given)


@needs_native
@pytest.mark.parametrize(
    "settings",
    [
        {"strides": 2},
        {"dilation_rate": 2},
        {"padding": "valid"},
        {"groups": 2},
        {"size": (3, 5)},
        {"size": 1},
        {"filters": 12},
        {"channels": 12},
        {"dtype": "float64"},
    ],
)
def test_tensorflow_computes_what_native_code_can_not(settings: dict[str, int]) -> None:
    channels = settings.get("channels", 8)
    with by_winograd():
        assert "PyFuncStateless" not in graph_of(layer(**settings), features(channels))


def test_tensorflow_computes_where_there_is_no_native_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    library._found.cache_clear()
    try:
        with by_winograd():
            assert "Conv2D" in graph_of(layer(), features())
    finally:
        monkeypatch.undo()
        library._found.cache_clear()


@needs_native
def test_the_shapes_of_a_graph_are_known() -> None:
    made, seen = layer(), []

    @tf.function(input_signature=[tf.TensorSpec([None, 9, 7, 8])], autograph=False)
    def compute(given: tf.Tensor) -> tf.Tensor:
        found = made(given)
        seen.append(found.shape.as_list())
        return found

    with by_winograd():
        compute(features())
    assert seen == [[None, 9, 7, 8]]
