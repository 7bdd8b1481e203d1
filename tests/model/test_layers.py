"""The layers, each against its formula in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.branches.conv import conv
from model.branches.normalization import FusedBatchNormalization
from model.presence import Presence
from model.spec import ConvBranch, ImageInput

RANDOM = np.random.default_rng(1)


def test_fused_batch_normalization_equals_keras() -> None:
    ours, theirs = FusedBatchNormalization(), keras.layers.BatchNormalization(momentum=0.9)
    for step in range(3):
        features = (RANDOM.normal(size=(16, 5, 4, 3)) * [1, 2, 3] + [step, -1, 0]).astype(np.float32)
        np.testing.assert_allclose(ours(features, training=True), theirs(features, training=True), atol=1e-5)

    np.testing.assert_allclose(ours.mean, theirs.moving_mean, atol=1e-5)
    # The fused kernel keeps the variance of the sample (n - 1), Keras that of the batch (n = 320 here).
    np.testing.assert_allclose(ours.variance, theirs.moving_variance, rtol=4e-3)
    np.testing.assert_allclose(ours(features, training=False), theirs(features, training=False), atol=1e-2)


def test_fused_batch_normalization_passes_gradients() -> None:
    layer, features = FusedBatchNormalization(), tf.constant(RANDOM.normal(size=(4, 3, 3, 2)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = tf.reduce_sum(layer(features, training=True) ** 3)

    gradients = tape.gradient(loss, [features, layer.scale.value, layer.offset.value])
    assert all(np.isfinite(gradient).all() and np.abs(gradient).max() > 0 for gradient in gradients)


def test_presence_puts_a_learned_vector_where_an_input_is_absent() -> None:
    layer = Presence()
    vector = np.array([[1.0, 2.0], [np.nan, 4.0]], np.float32)
    layer.build(vector.shape, (2,))
    layer.absent.assign([9.0, 8.0])

    np.testing.assert_array_equal(layer(vector, np.array([True, False])), [[1, 2], [9, 8]])


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_a_conv_branch_turns_pixels_into_a_vector(normalization: str) -> None:
    spec = ConvBranch(filters=(4, 6, 8), kernel_size=5, pool=2, units=7, normalization=normalization)  # type: ignore[arg-type]
    branch = conv(spec, ImageInput(height=20, width=16), name="photo")
    pixels = RANDOM.integers(0, 256, (2, 20, 16, 3), dtype=np.uint8)

    assert branch(pixels).shape == (2, 7)
    kinds = [type(layer).__name__ for layer in branch.layers]
    stage = ["Conv2D", "MaxPooling2D"] + ["FusedBatchNormalization"] * (normalization == "batch") + ["ReLU"]
    assert kinds == ["InputLayer", "Rescaling", *stage * 3, "GlobalAveragePooling2D", "Dropout", "Dense"]
