"""The networks of keras.applications without their top, as they are used here."""

from __future__ import annotations

import sys
import warnings
from types import ModuleType

import keras
import tensorflow as tf

from model.branches.normalization import FusedBatchNormalization

Shape = tuple[int, int, int]  # height, width, channels


@keras.saving.register_keras_serializable("bifocal")
class Preprocessing(keras.layers.Layer):
    """What a network expects to be done to pixels before.

    Args:
        network: its name in keras.applications.

    Call arguments:
        pixels: uint8 (batch, height, width, 3), red, green, blue.

    Output shape:
        float32 (batch, height, width, 3); the values unchanged where the network does it itself.
    """

    def __init__(self, network: str, **keywords: object) -> None:
        super().__init__(**keywords)
        self.network = network

    def call(self, pixels: tf.Tensor) -> tf.Tensor:
        """(batch, height, width, 3) -> the same shape."""
        return module_of(self.network).preprocess_input(tf.cast(pixels, tf.float32))

    def compute_output_shape(self, pixels_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of `pixels`."""
        return pixels_shape

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {**super().get_config(), "network": self.network}


@keras.saving.register_keras_serializable("bifocal")
class Standardization(keras.layers.Normalization):
    """Keras's normalization by a mean and a variance, computing with these weights themselves.

    Keras's own computes with a copy, which is not renewed when values are assigned to the weights.

    Call arguments:
        pixels: float32 (batch, height, width, channels).

    Output shape:
        that of `pixels`.
    """

    def call(self, pixels: tf.Tensor) -> tf.Tensor:
        """(batch, height, width, channels) -> the same shape."""
        return (pixels - tf.convert_to_tensor(self.adapt_mean)) / tf.sqrt(tf.convert_to_tensor(self.adapt_variance))


def module_of(network: str) -> ModuleType:
    """The module of Keras that a network of keras.applications is made in; its `preprocess_input` stands there too."""
    return sys.modules[getattr(keras.applications, network).__module__]


def original(network: str, shape: Shape, *, weights: str | None = None) -> keras.Model:
    """The network as Keras makes it.

    Args:
        network: its name in keras.applications.
        shape: of the pictures.
        weights: `imagenet`, a weights file, or None for random ones.
    """
    with warnings.catch_warnings():
        # Keras warns of weights trained at another size, and of each part of a file that it looks for in two places.
        # What is missing or does not fit is an error.
        warnings.simplefilter("ignore")
        return getattr(keras.applications, network)(weights=weights, include_top=False, input_shape=shape)


def untrained(network: str, shape: Shape) -> keras.Model:
    """The network with random weights, and with layers of ours where Keras's are slow or forget their weights.

    It has the same names of layers, the same weights in the same order, and computes the same as the original.

    Args:
        network: its name in keras.applications.
        shape: of the pictures.
    """
    made = original(network, shape)
    replaced = keras.layers.BatchNormalization | keras.layers.Normalization
    if not any(isinstance(layer, replaced) and layer.weights for layer in made.layers):
        return made
    return keras.models.clone_model(made, clone_function=_ours, call_function=_called)


def _ours(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, keras.layers.BatchNormalization):
        return FusedBatchNormalization(layer.momentum, layer.epsilon, rescale=layer.scale, name=layer.name)
    if isinstance(layer, keras.layers.Normalization) and layer.weights:
        return Standardization(layer.axis, name=layer.name)
    return type(layer).from_config(layer.get_config())


def _called(layer: keras.layers.Layer, *inputs: keras.KerasTensor, **arguments: object) -> keras.KerasTensor:
    # Keras's batch normalization also takes a mask, ours does not.
    return layer(*inputs) if isinstance(layer, FusedBatchNormalization) else layer(*inputs, **arguments)
