"""Convolutions over feature maps: TensorFlow's, or by Winograd's minimal filtering while a training asks for it.

A SavedModel has TensorFlow's always: it is to run where nothing of this project is. docs/decisions/winograd.md has what
was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.native.library import is_supported
from model.winograd.convolver import Convolver, fits, shared
from model.winograd.filters import LANES

Array = NDArray[np.float32]
Gradients = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]

_by_winograd = ContextVar("_by_winograd", default=False)


@contextmanager
def by_winograd(on: bool = True) -> Iterator[None]:
    """Graphs that this thread traces within have convolutions by native code, or not.

    Where it can't be had, as in one process of a cluster, or can't compute a convolution, TensorFlow does.
    """
    token = _by_winograd.set(on)
    try:
        yield
    finally:
        _by_winograd.reset(token)


def are_by_winograd() -> bool:
    """Whether it is so here: for what goes on tracing in another thread."""
    return _by_winograd.get()


@keras.saving.register_keras_serializable("bifocal")
class Convolution(keras.layers.Conv2D):
    """Keras's, which computes what lies within `by_winograd` natively: the same but for rounding.

    Call arguments:
        inputs: float32 (batch, height, width, channels).

    Output shape:
        that of Keras's.
    """

    fits_native_code = False  # whether that can compute it

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the kernels, and the bias if there is one."""
        super().build(input_shape)
        self.fits_native_code = self._is_plain() and fits(input_shape[1:], self.filters, self.kernel_size[0])

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """(batch, height, width, channels) by (size, size, channels, filters) -> (batch, height, width, filters)."""
        if self.fits_native_code and are_by_winograd() and is_supported():
            return convolve(tf.convert_to_tensor(inputs), tf.convert_to_tensor(kernel))
        return super().convolution_op(inputs, kernel)

    def _is_plain(self) -> bool:
        return (
            self.kernel_size[0] == self.kernel_size[1]
            and self.strides == self.dilation_rate == (1, 1)
            and self.padding == "same"
            and self.groups == 1
            and self.data_format == "channels_last"
            and self.compute_dtype == "float32"
        )


def convolutions_of(model: keras.Model) -> Iterator[Convolution]:
    """All in a model and in those nested in it."""
    for layer in model.layers:
        if isinstance(layer, Convolution):
            yield layer
        elif isinstance(layer, keras.Model):
            yield from convolutions_of(layer)


@tf.custom_gradient
def convolve(features: tf.Tensor, kernels: tf.Tensor) -> tuple[tf.Tensor, Gradients]:
    """A convolution with stride 1 and as many outputs as inputs, by native code.

    Args:
        features: float32 (batch, height, width, channels).
        kernels: float32 (size, size, channels, filters); see `model.winograd.convolver.fits`.

    Returns:
        float32 (batch, height, width, filters), and what makes gradients of both of its gradient.
    """

    def gradients(gradient: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if features.shape[-1] % LANES == 0:
            # One operation, not two: these would be run at once, each with threads for all CPUs.
            by_both = tf.numpy_function(_gradients, [features, gradient, kernels], [tf.float32] * 2, stateful=False)
            return tf.ensure_shape(by_both[0], features.shape), tf.ensure_shape(by_both[1], kernels.shape)
        # Of pictures, whose own gradient nobody asks for in training: the graph leaves it out then.
        by_features = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(features), filter=kernels, out_backprop=gradient, strides=[1] * 4, padding="SAME"
        )
        by_kernels = tf.numpy_function(_kernel_gradient, [features, gradient, kernels], tf.float32, stateful=False)
        return by_features, tf.ensure_shape(by_kernels, kernels.shape)

    found = tf.numpy_function(_convolved, [features, kernels], tf.float32, stateful=False)
    return tf.ensure_shape(found, (*features.shape[:3], kernels.shape[3])), gradients


def _convolved(features: Array, kernels: Array) -> Array:
    return _convolver().convolve(features, kernels)


def _gradients(features: Array, gradient: Array, kernels: Array) -> tuple[Array, Array]:
    return _convolver().convolve(gradient, kernels, transposed=True), _kernel_gradient(features, gradient, kernels)


def _kernel_gradient(features: Array, gradient: Array, kernels: Array) -> Array:
    return _convolver().kernel_gradient(features, gradient, len(kernels))


def _convolver() -> Convolver:
    return shared(tf.config.threading.get_intra_op_parallelism_threads())
