"""The networks of keras.applications as they are used here."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from model.branches import network
from model.branches.network import Preprocessing
from model.spec.image_branches import NETWORKS

slow = pytest.mark.slow
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 32, 40, 3), dtype=np.uint8)


def test_the_spec_knows_the_networks_of_keras() -> None:
    assert {name for name, value in vars(keras.applications).items() if inspect.isfunction(value)} == set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_network_takes_smaller_pictures_than_the_spec_says(name: str) -> None:
    with pytest.raises(ValueError, match=f"at least {NETWORKS[name]}x{NETWORKS[name]}"):
        network.original(name, (NETWORKS[name] - 1, 100, 3))


def caffe(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return pixels[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)


def torch(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return (pixels / 255 - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])  # type: ignore[no-any-return]


PREPROCESSING: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "VGG16": caffe,
    "ResNet50": caffe,
    "DenseNet121": torch,
    "ResNet50V2": lambda pixels: pixels / 127.5 - 1,
    "MobileNetV2": lambda pixels: pixels / 127.5 - 1,
    "MobileNetV3Small": lambda pixels: pixels,
    "EfficientNetB0": lambda pixels: pixels,
    "ConvNeXtTiny": lambda pixels: pixels,
}


@pytest.mark.parametrize("name", PREPROCESSING)
def test_pixels_are_preprocessed_as_the_paper_did(name: str) -> None:
    expected = PREPROCESSING[name](PIXELS.astype(np.float32))

    np.testing.assert_allclose(Preprocessing(name)(PIXELS), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_pixels_are_preprocessed_as_by_keras_on_an_array(name: str) -> None:
    family = getattr(keras.applications, getattr(keras.applications, name).__module__.rpartition(".")[2])

    expected = family.preprocess_input(PIXELS.astype(np.float32))
    np.testing.assert_allclose(Preprocessing(name)(PIXELS), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "name", ["MobileNetV2", pytest.param("ResNet50", marks=slow), pytest.param("DenseNet121", marks=slow)]
)
def test_a_network_trains_as_that_of_keras(name: str) -> None:
    theirs, ours = network.original(name, (64, 64, 3)), network.untrained(name, (64, 64, 3))
    ours.set_weights(theirs.get_weights())
    features = np.random.default_rng(3).normal(size=(8, 64, 64, 3)).astype(np.float32)

    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in ours.layers)
    # Each of their many normalizations by the batch makes more of how the one before was rounded.
    expected = theirs(features, training=True).numpy()
    np.testing.assert_allclose(ours(features, training=True), expected, atol=1e-3 * np.abs(expected).max())


def test_a_network_normalizes_with_the_settings_of_keras() -> None:
    theirs, ours = network.original("ResNet50", (32, 32, 3)), network.untrained("ResNet50", (32, 32, 3))

    found = [layer for layer in theirs.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(found) == 53
    for layer in found:
        same = ours.get_layer(layer.name)
        assert (same.momentum, same.epsilon, same.rescale) == (layer.momentum, layer.epsilon, layer.scale)
