"""Batch normalization through the fused kernel, against Keras's."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.branches.normalization import FusedBatchNormalization

RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize("rescale", [True, False])
def test_fused_batch_normalization_equals_keras(rescale: bool) -> None:
    ours = FusedBatchNormalization(rescale=rescale)
    theirs = keras.layers.BatchNormalization(momentum=0.9, scale=rescale)
    for step in range(3):
        features = (RANDOM.normal(size=(16, 5, 4, 3)) * [1, 2, 3] + [step, -1, 0]).astype(np.float32)
        np.testing.assert_allclose(ours(features, training=True), theirs(features, training=True), atol=1e-5)

    np.testing.assert_allclose(ours.mean, theirs.moving_mean, atol=1e-5)
    # The fused kernel keeps the variance of the sample (n - 1), Keras that of the batch (n = 320 here).
    np.testing.assert_allclose(ours.variance, theirs.moving_variance, rtol=4e-3)
    np.testing.assert_allclose(ours(features, training=False), theirs(features, training=False), atol=1e-2)


@pytest.mark.parametrize("rescale", [True, False])
def test_its_weights_are_those_of_keras_in_the_same_order(rescale: bool) -> None:
    ours, theirs = (
        FusedBatchNormalization(epsilon=0.1, rescale=rescale),
        keras.layers.BatchNormalization(epsilon=0.1, scale=rescale),
    )
    features = RANDOM.normal(size=(2, 4, 4, 3)).astype(np.float32)
    theirs.build(features.shape)
    theirs.set_weights([RANDOM.uniform(0.5, 1, 3) for _ in theirs.weights])
    ours.build(features.shape)
    ours.set_weights(theirs.get_weights())

    np.testing.assert_allclose(ours(features), theirs(features), atol=1e-5)


def test_fused_batch_normalization_passes_gradients() -> None:
    layer, features = FusedBatchNormalization(), tf.constant(RANDOM.normal(size=(4, 3, 3, 2)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = tf.reduce_sum(layer(features, training=True) ** 3)

    gradients = tape.gradient(loss, [features, layer.scale.value, layer.offset.value])
    assert all(np.isfinite(gradient).all() and np.abs(gradient).max() > 0 for gradient in gradients)


def test_a_frozen_one_does_not_drift_and_passes_gradients_on() -> None:
    layer, features = FusedBatchNormalization(), tf.constant(RANDOM.normal(3, 2, size=(8, 3, 3, 2)), tf.float32)
    layer(features, training=True)
    layer.trainable = False
    before = layer.get_weights()
    with tf.GradientTape() as tape:
        tape.watch(features)
        output = layer(features, training=True)

    np.testing.assert_array_equal(output, layer(features, training=False))
    for value, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)
    gradient = tape.gradient(output, features)
    expected = layer.scale.numpy() / np.sqrt(layer.variance.numpy() + 1e-3)
    np.testing.assert_allclose(gradient, np.broadcast_to(expected, features.shape), rtol=1e-5)


def test_one_that_is_thawed_trains_again_in_what_is_traced_then() -> None:
    layer, features = FusedBatchNormalization(), tf.constant(RANDOM.normal(3, 2, size=(8, 3, 3, 2)), tf.float32)
    layer.build(features.shape)

    def moved() -> bool:
        before = layer.mean.numpy()
        tf.function(lambda: layer(features, training=True))()
        return bool((layer.mean.numpy() != before).all())

    layer.trainable = False
    assert not moved()
    layer.trainable = True
    assert moved()


def test_its_config_holds_its_arguments() -> None:
    layer = FusedBatchNormalization(momentum=0.5, epsilon=0.2, rescale=False, name="norm")
    again = FusedBatchNormalization.from_config(layer.get_config())

    assert (again.momentum, again.epsilon, again.rescale, again.name) == (0.5, 0.2, False, "norm")
