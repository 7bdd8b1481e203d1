"""The layers, each against its formula in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.branches.conv import conv
from model.branches.embedding import TokenDropout, TokenPooling, embedding
from model.branches.normalization import FusedBatchNormalization
from model.merges import merge
from model.presence import Presence
from model.spec import ConcatenateMerge, ConvBranch, EmbeddingBranch, ImageInput

RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize("mode", ["mean", "max"])
def test_pooling_leaves_padding_out(mode: str) -> None:
    vectors = RANDOM.normal(size=(2, 3, 4)).astype(np.float32)
    pooled = TokenPooling(mode)(vectors, np.array([[5, 7, 0], [0, 0, 0]]))  # type: ignore[arg-type]

    expected = vectors[0, :2].mean(axis=0) if mode == "mean" else vectors[0, :2].max(axis=0)
    np.testing.assert_allclose(pooled[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(pooled[1], np.zeros(4))


@pytest.mark.parametrize("mode", ["mean", "max"])
def test_pooling_a_batch_without_a_token_gives_zeros(mode: str) -> None:
    pooled = TokenPooling(mode)(tf.zeros([3, 0, 4]), tf.zeros([3, 0], tf.int32))  # type: ignore[arg-type]

    np.testing.assert_array_equal(pooled, np.zeros((3, 4)))


def test_token_dropout_makes_its_share_unseen_and_spares_padding() -> None:
    tokens = np.repeat([[7, 0]], 20_000, axis=0)
    dropped = TokenDropout(0.25, seed=3)(tokens, training=True).numpy()

    assert set(dropped[:, 0]) == {1, 7}
    assert abs((dropped[:, 0] == 1).mean() - 0.25) < 0.02
    assert (dropped[:, 1] == 0).all()


def test_token_dropout_changes_nothing_outside_training() -> None:
    tokens = np.arange(12).reshape(3, 4)

    np.testing.assert_array_equal(TokenDropout(0.9)(tokens, training=False), tokens)


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


MERGES = [(ConcatenateMerge(), lambda vectors: np.concatenate(vectors, axis=1))]


@pytest.mark.parametrize(("spec", "expected"), MERGES, ids=lambda value: getattr(value, "kind", ""))
def test_a_merge_equals_its_formula(spec, expected) -> None:  # type: ignore[no-untyped-def]
    vectors = [RANDOM.normal(size=(3, 4)).astype(np.float32), RANDOM.normal(size=(3, 2)).astype(np.float32)]
    inputs = [keras.Input((vector.shape[1],)) for vector in vectors]
    model = keras.Model(inputs, merge(spec, inputs))

    np.testing.assert_allclose(model(vectors), expected(vectors), rtol=1e-6)


def test_merging_one_vector_leaves_it_as_it_is() -> None:
    vector = keras.Input((3,))

    assert merge(ConcatenateMerge(), [vector]) is vector


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_a_conv_branch_turns_pixels_into_a_vector(normalization: str) -> None:
    spec = ConvBranch(filters=(4, 6, 8), kernel_size=5, pool=2, units=7, normalization=normalization)  # type: ignore[arg-type]
    branch = conv(spec, ImageInput(height=20, width=16), name="photo")
    pixels = RANDOM.integers(0, 256, (2, 20, 16, 3), dtype=np.uint8)

    assert branch(pixels).shape == (2, 7)
    kinds = [type(layer).__name__ for layer in branch.layers]
    stage = ["Conv2D", "MaxPooling2D"] + ["FusedBatchNormalization"] * (normalization == "batch") + ["ReLU"]
    assert kinds == ["InputLayer", "Rescaling", *stage * 3, "GlobalAveragePooling2D", "Dropout", "Dense"]


def test_an_embedding_branch_has_room_for_padding_unseen_and_every_word() -> None:
    branch = embedding(EmbeddingBranch(dimension=4, units=5), 10, name="title")

    assert branch(np.array([[11, 2, 0]])).shape == (1, 5)
    assert branch.get_layer("embedding").input_dim == 12


def test_padding_changes_nothing() -> None:
    branch = embedding(EmbeddingBranch(dimension=4, units=5), 10, name="title")

    np.testing.assert_allclose(branch(np.array([[3, 4]])), branch(np.array([[3, 4, 0, 0]])), atol=1e-6)
