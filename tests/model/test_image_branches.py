"""The image branches of our own layers, and what they share."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from model.branches.conv import conv
from model.branches.inception import inception
from model.branches.normalization import FusedBatchNormalization
from model.branches.pictures import Luma
from model.branches.residual import residual
from model.spec import ConvBranch, ImageInput, InceptionBranch, ResidualBranch

IMAGE = ImageInput(height=20, width=16)
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 20, 16, 3), dtype=np.uint8)

Make = Callable[..., keras.Model]
# A tiny branch of each kind, and the shapes of its stages.
STACKS = [
    (conv, ConvBranch(filters=(4, 6, 8), units=7), [(10, 8, 4), (5, 4, 6), (2, 2, 8)]),
    (inception, InceptionBranch(filters=(2, 3), kernel_sizes=(1, 3, 5), units=7), [(10, 8, 6), (5, 4, 9)]),
    (residual, ResidualBranch(filters=(4, 6, 6), blocks=2, units=7), [(10, 8, 4), (5, 4, 6), (3, 2, 6)]),
]
stacks = pytest.mark.parametrize(("make", "spec", "shapes"), STACKS, ids=[spec.kind for _, spec, _ in STACKS])
normalizations = pytest.mark.parametrize("normalization", ["batch", "none"])


@pytest.fixture(autouse=True)
def the_same_every_time() -> None:
    keras.utils.set_random_seed(5)


def with_(spec, **changes):  # type: ignore[no-untyped-def]
    return type(spec).model_validate({**spec.model_dump(), **changes})


def kinds(branch: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in branch.layers]


def convolved(branch: keras.Model, name: str, features: NDArray[np.float32], stride: int = 1) -> NDArray[np.float32]:
    layer = branch.get_layer(name)
    return tf.nn.conv2d(features, layer.kernel.value, stride, "SAME").numpy() + layer.bias.numpy()  # type: ignore[no-any-return]


def with_random_weights(branch: keras.Model) -> keras.Model:
    """No zeros, so that a weight which is left out is seen."""
    random = np.random.default_rng(2)
    for variable in branch.weights:
        variable.assign(random.uniform(0.1, 0.4, variable.shape) * random.choice([1, 1, -1], variable.shape))
    for layer in branch.layers:
        if isinstance(layer, FusedBatchNormalization):
            layer.variance.assign(np.abs(layer.variance))
    return branch


@stacks
@normalizations
def test_a_branch_gives_its_stages_and_a_vector(make: Make, spec, shapes, normalization: str) -> None:  # type: ignore[no-untyped-def]
    branch = make(with_(spec, normalization=normalization), IMAGE, name="photo")
    outputs = branch(PIXELS)

    assert branch.name == "photo.branch"
    assert {name: tuple(output.shape) for name, output in outputs.items()} == {
        **{f"stage_{stage}": (3, *shape) for stage, shape in enumerate(shapes, start=1)},
        "vector": (3, 7),
    }
    assert all(output.dtype == tf.float32 for output in outputs.values())
    assert ("FusedBatchNormalization" in kinds(branch)) == (normalization == "batch")


@stacks
@normalizations
def test_every_weight_gets_a_gradient(make: Make, spec, shapes, normalization: str) -> None:  # type: ignore[no-untyped-def]
    branch = make(with_(spec, normalization=normalization, activation="tanh"), IMAGE, name="photo")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(branch(PIXELS, training=True)["vector"] ** 2)

    gradients = tape.gradient(loss, [variable.value for variable in branch.trainable_variables])
    for variable, gradient in zip(branch.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path
        assert np.abs(gradient).max() > 0, variable.path


@stacks
@normalizations
def test_an_example_alone_gives_what_it_gives_in_a_batch(make: Make, spec, shapes, normalization: str) -> None:  # type: ignore[no-untyped-def]
    branch = with_random_weights(make(with_(spec, normalization=normalization), IMAGE, name="photo"))

    together = branch(PIXELS, training=False)
    alone = branch(PIXELS[1:2], training=False)
    for name, output in together.items():
        np.testing.assert_allclose(alone[name][0], output[1], rtol=1e-4, atol=1e-5)


@stacks
def test_a_branch_comes_back_from_its_config(make: Make, spec, shapes) -> None:  # type: ignore[no-untyped-def]
    for changes in ({"color": "grey"}, {"normalization": "none"}):
        branch = with_random_weights(make(with_(spec, **changes), IMAGE, name="photo"))
        again = keras.Model.from_config(branch.get_config())
        again.set_weights(branch.get_weights())

        np.testing.assert_allclose(again(PIXELS)["vector"], branch(PIXELS)["vector"], rtol=1e-6)


@stacks
def test_two_branches_of_a_kind_go_into_one_model(make: Make, spec, shapes) -> None:  # type: ignore[no-untyped-def]
    front, back = (keras.Input((20, 16, 3), dtype="uint8", name=name) for name in ("front", "back"))
    vectors = [make(spec, IMAGE, name=source.name)(source)["vector"] for source in (front, back)]
    model = keras.Model([front, back], keras.layers.Concatenate()(vectors))

    assert model([PIXELS, PIXELS]).shape == (3, 14)


@pytest.mark.parametrize("pooling", ["average", "max", "flatten"])
def test_the_vector_is_pooled_from_the_last_stage(pooling: str) -> None:
    spec = ConvBranch(filters=(4, 6), pooling=pooling, units=5, activation="tanh")  # type: ignore[arg-type]
    branch = with_random_weights(conv(spec, IMAGE, name="photo"))
    outputs = branch(PIXELS)
    dense = branch.get_layer("dense")

    last = outputs["stage_2"].numpy()
    pooled = {"average": last.mean(axis=(1, 2)), "max": last.max(axis=(1, 2)), "flatten": last.reshape(3, -1)}[pooling]
    expected = np.tanh(pooled @ dense.kernel.numpy() + dense.bias.numpy())
    np.testing.assert_allclose(outputs["vector"], expected, rtol=1e-4, atol=1e-6)


def test_features_are_dropped_only_in_training() -> None:
    spec = ConvBranch(filters=(16,), dropout=0.5, normalization="none", activation="tanh")
    branch = conv(spec, IMAGE, name="photo")

    np.testing.assert_array_equal(branch(PIXELS)["vector"], branch(PIXELS)["vector"])
    assert np.abs(branch(PIXELS, training=True)["vector"] - branch(PIXELS)["vector"]).max() > 0


def test_luma_is_that_of_bt_601() -> None:
    expected = 0.299 * PIXELS[..., 0] + 0.587 * PIXELS[..., 1] + 0.114 * PIXELS[..., 2]

    np.testing.assert_allclose(Luma()(PIXELS)[..., 0], expected, rtol=1e-5)


@stacks
def test_a_grey_branch_reads_one_channel_from_minus_one_to_one(make: Make, spec, shapes) -> None:  # type: ignore[no-untyped-def]
    branch = make(with_(spec, color="grey"), IMAGE, name="photo")
    first = next(layer for layer in branch.layers if isinstance(layer, keras.layers.Conv2D))
    scaled = keras.Model(branch.input, first.input)(np.stack([np.zeros((20, 16, 3)), np.full((20, 16, 3), 255)]))

    assert first.kernel.shape[2] == 1
    np.testing.assert_allclose(scaled, np.stack([np.full((20, 16, 1), -1), np.ones((20, 16, 1))]), atol=1e-5)


@normalizations
def test_a_conv_branch_pools_before_it_normalizes(normalization: str) -> None:
    spec = ConvBranch(filters=(4, 6, 8), kernel_size=5, normalization=normalization)  # type: ignore[arg-type]
    branch = conv(spec, IMAGE, name="photo")

    stage = ["Convolution", "MaxPooling2D"] + ["FusedBatchNormalization"] * (normalization == "batch") + ["ReLU"]
    assert kinds(branch) == ["InputLayer", "Rescaling", *stage * 3, "GlobalAveragePooling2D", "Dropout", "Dense"]
    assert {layer.kernel_size for layer in branch.layers if isinstance(layer, keras.layers.Conv2D)} == {(5, 5)}


def test_an_inception_stage_is_its_kernels_side_by_side() -> None:
    spec = InceptionBranch(filters=(2,), kernel_sizes=(3, 1, 5), normalization="none")
    branch = with_random_weights(inception(spec, IMAGE, name="photo"))

    scaled = (PIXELS / 127.5 - 1).astype(np.float32)
    side_by_side = np.concatenate([convolved(branch, f"convolution_1_{n}x{n}", scaled) for n in (3, 1, 5)], axis=-1)
    pooled = side_by_side.reshape(3, 10, 2, 8, 2, 6).max(axis=(2, 4))
    np.testing.assert_allclose(branch(PIXELS)["stage_1"], np.maximum(pooled, 0), rtol=1e-4, atol=1e-5)
    assert [branch.get_layer(f"convolution_1_{n}x{n}").kernel_size for n in (3, 1, 5)] == [(3, 3), (1, 1), (5, 5)]


def test_an_inception_stage_normalizes_once() -> None:
    branch = inception(InceptionBranch(filters=(2, 3), kernel_sizes=(1, 3)), IMAGE, name="photo")

    assert kinds(branch).count("FusedBatchNormalization") == 2


def test_a_residual_block_adds_to_what_came_in() -> None:
    spec = ResidualBranch(filters=(4, 6), blocks=1, normalization="none", stem_stride=1)
    branch = with_random_weights(residual(spec, IMAGE, name="photo"))

    scaled = (PIXELS / 127.5 - 1).astype(np.float32)
    features = np.maximum(convolved(branch, "stem", scaled), 0)
    for stage, stride in ((1, 1), (2, 2)):
        block = f"stage_{stage}_block_1"
        inner = np.maximum(convolved(branch, f"{block}_1", features, stride), 0)
        inner = convolved(branch, f"{block}_2", inner) * branch.get_layer(f"{block}_scale").scale.numpy()
        shortcut = features if stage == 1 else convolved(branch, f"{block}_shortcut", features, stride)
        features = np.maximum(shortcut + inner, 0)
        np.testing.assert_allclose(branch(PIXELS)[f"stage_{stage}"], features, rtol=1e-3, atol=1e-4)


def test_a_shortcut_has_weights_only_where_the_shape_changes() -> None:
    branch = residual(ResidualBranch(filters=(4, 4), blocks=2, stem_stride=2), IMAGE, name="photo")

    shortcuts = [layer.name for layer in branch.layers if layer.name.endswith("_shortcut")]
    assert shortcuts == ["stage_2_block_1_shortcut"]


def test_a_deep_residual_branch_without_normalization_keeps_the_size_of_its_values() -> None:
    spec = ResidualBranch(filters=(16,), blocks=24, normalization="none")
    branch = residual(spec, ImageInput(height=16, width=16), name="photo")
    pixels = PIXELS[:, :16]
    stem = keras.Model(branch.input, branch.get_layer("stem_relu").output)(pixels)

    # Without the scale it grows 2 ** 12 times.
    assert np.std(branch(pixels)["stage_1"]) < 5 * np.std(stem)


def test_a_residual_branch_without_normalization_learns() -> None:
    spec = ResidualBranch(filters=(4, 6), units=1, normalization="none", activation="linear", dropout=0)
    branch = residual(spec, IMAGE, name="photo")
    optimizer, target = keras.optimizers.Adam(1e-2), tf.constant([[1.0], [-1.0], [0.5]])
    optimizer.build(branch.trainable_variables)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((branch(PIXELS, training=True)["vector"] - target) ** 2)
        gradients = tape.gradient(loss, [variable.value for variable in branch.trainable_variables])
        optimizer.apply(gradients, branch.trainable_variables)
        return loss

    losses = [float(step()) for _ in range(40)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0] / 4
