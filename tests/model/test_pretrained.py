"""The branch around the networks of keras.applications, and the loading of their weights."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from model.branches import network
from model.branches.network import Preprocessing
from model.branches.pretrained import load_weights, pretrained
from model.errors import SpecError, StorageError
from model.spec import ImageInput, PretrainedBranch
from model.spec.image_branches import NETWORKS

pytestmark = pytest.mark.slow  # Large networks, built again and again.

IMAGE = ImageInput(height=32, width=40)
PIXELS = np.random.default_rng(1).integers(0, 256, (3, 32, 40, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def the_same_every_time() -> None:
    keras.utils.set_random_seed(5)


def branch_of(name: str, image: ImageInput = IMAGE, **changes: Any) -> keras.Model:
    return pretrained(PretrainedBranch(network=name, **changes), image, name="photo")


def with_random_figures(made: keras.Model) -> keras.Model:
    """As after training: no layer normalizes by 0 and 1."""
    random = np.random.default_rng(2)
    for layer in made.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(random.uniform(-0.1, 0.1, layer.moving_mean.shape))
            layer.moving_variance.assign(random.uniform(0.5, 1, layer.moving_variance.shape))
        elif isinstance(layer, keras.layers.Normalization) and layer.weights:
            layer.set_weights([np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]) ** 2, np.array(7)])
            layer.finalize_state()
    return made


def save(made: keras.Model, path: Path) -> None:
    """In the format that the name of the file says."""
    with warnings.catch_warnings():
        # Keras's variables do not know NumPy 2's `copy` argument, and only saving asks for it.
        warnings.simplefilter("ignore", DeprecationWarning)
        (made.save_weights if path.name.endswith(".weights.h5") else made.save)(path)


def last_map(branch: keras.Model, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    *maps, _ = branch(pixels).values()
    return np.asarray(maps[-1])


def assert_close(actual: NDArray[np.float32], expected: NDArray[np.float32]) -> None:
    """To a 10,000th of the largest value."""
    assert np.abs(expected).max() > 0
    np.testing.assert_allclose(actual, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    "name",
    [
        "VGG16",
        "MobileNetV2",
        pytest.param("ConvNeXtTiny"),
        pytest.param("Xception"),
        pytest.param("InceptionV3"),
        pytest.param("InceptionResNetV2"),
        pytest.param("NASNetMobile"),
        pytest.param("DenseNet121"),
    ],
)
def test_a_branch_takes_the_smallest_pictures_of_its_network(name: str) -> None:
    side = NETWORKS[name]
    branch = branch_of(name, ImageInput(height=side, width=side), units=5)

    assert branch(np.zeros((2, side, side, 3), np.uint8))["vector"].shape == (2, 5)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("MobileNetV2", 32),
        pytest.param("EfficientNetB0", 32),
        pytest.param("ConvNeXtTiny", 32),
        pytest.param("VGG16", 32),
        pytest.param("ResNet50", 32),
        pytest.param("ResNet50V2", 32),
        pytest.param("MobileNet", 32),
        pytest.param("MobileNetV3Small", 32),
        pytest.param("EfficientNetV2B0", 32),
        pytest.param("DenseNet121", 32),
        pytest.param("NASNetMobile", 64),
        pytest.param("InceptionV3", 75),
        pytest.param("InceptionResNetV2", 75),
        pytest.param("Xception", 71),
    ],
)
def test_a_branch_with_the_weights_of_a_file_computes_what_keras_does(name: str, side: int, tmp_path: Path) -> None:
    image = ImageInput(height=side, width=side + 8)
    theirs = with_random_figures(network.original(name, (side, side + 8, 3)))
    save(theirs, tmp_path / "some.weights.h5")
    spec = PretrainedBranch(network=name, weights=tmp_path / "some.weights.h5")
    ours = pretrained(spec, image, name="photo")
    load_weights(ours, spec)

    pixels = np.random.default_rng(3).integers(0, 256, (3, side, side + 8, 3), dtype=np.uint8)
    if name == "EfficientNetB0":  # see test_an_efficientnet_divides_once_more
        theirs.layers[2].adapt_variance.assign(theirs.layers[2].adapt_variance ** 1.5)
        theirs.layers[2].finalize_state()
    assert_close(last_map(ours, pixels), theirs(Preprocessing(name)(pixels)).numpy())


def test_weights_come_from_a_whole_model_in_a_h5_file_too(tmp_path: Path) -> None:
    theirs = with_random_figures(network.original("MobileNet", (32, 40, 3)))
    save(theirs, tmp_path / "some.h5")
    spec = PretrainedBranch(network="MobileNet", weights=tmp_path / "some.h5")
    ours = pretrained(spec, IMAGE, name="photo")
    load_weights(ours, spec)

    assert_close(last_map(ours, PIXELS), theirs(Preprocessing("MobileNet")(PIXELS)).numpy())


def test_no_weights_are_read_for_none_and_at_building() -> None:
    spec = PretrainedBranch(network="MobileNet", weights="imagenet")
    branch = pretrained(spec, IMAGE, name="photo")
    before = branch.get_weights()
    load_weights(branch, spec.model_copy(update={"weights": "none"}))

    assert all((one == other).all() for one, other in zip(before, branch.get_weights(), strict=True))


def test_a_missing_weights_file_is_named() -> None:
    spec = PretrainedBranch(network="MobileNet", weights=Path("nowhere.h5"))

    with pytest.raises(SpecError, match=r"^branches\.photo\.weights: no file nowhere\.h5\. Expected"):
        load_weights(branch_of("MobileNet"), spec)


def test_the_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save(network.original("MobileNetV3Small", (32, 32, 3)), tmp_path / "other.weights.h5")
    spec = PretrainedBranch(network="MobileNet", weights=tmp_path / "other.weights.h5")
    branch = branch_of("MobileNet")
    before = branch.get_weights()

    with pytest.raises(SpecError, match=r"other\.weights\.h5 does not fit MobileNet without its top: .*conv"):
        load_weights(branch, spec)
    assert all((one == other).all() for one, other in zip(before, branch.get_weights(), strict=True))


@pytest.mark.parametrize("name", ["some.weights.h5", "some.h5", "some.keras", "some.txt"])
def test_a_file_that_holds_no_weights_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no weights")
    spec = PretrainedBranch(network="MobileNet", weights=tmp_path / name)

    with pytest.raises(SpecError, match=f"{name} does not fit MobileNet without its top: .* Expected a .weights.h5"):
        load_weights(branch_of("MobileNet"), spec)


def test_weights_that_cannot_be_fetched_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(name: str, origin: str, **options: object) -> str:
        raise Exception(f"URL fetch failure on {origin}: None -- unreachable")

    monkeypatch.setattr(network.module_of("MobileNet").file_utils, "get_file", unreachable)
    spec = PretrainedBranch(network="MobileNet", weights="imagenet")

    with pytest.raises(
        StorageError, match=r"^branches\.photo\.weights: .*MobileNet can't be fetched: URL .*weights file"
    ):
        load_weights(branch_of("MobileNet"), spec)


def test_fetched_weights_are_put_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    theirs = with_random_figures(network.original("MobileNetV2", (32, 40, 3)))
    save(theirs, tmp_path / "fetched.weights.h5")
    fetched: Callable[..., str] = lambda *names, **options: str(tmp_path / "fetched.weights.h5")  # noqa: E731
    monkeypatch.setattr(network.module_of("MobileNetV2").file_utils, "get_file", fetched)
    spec = PretrainedBranch(network="MobileNetV2", weights="imagenet")
    ours = pretrained(spec, IMAGE, name="photo")
    load_weights(ours, spec)

    assert_close(last_map(ours, PIXELS), theirs(Preprocessing("MobileNetV2")(PIXELS)).numpy())


@pytest.mark.parametrize("weights", ["imagenet", "file"])
def test_an_efficientnet_divides_once_more(weights: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "fetched.weights.h5"
    save(with_random_figures(network.original("EfficientNetB0", (32, 40, 3))), path)
    monkeypatch.setattr(network.module_of("EfficientNetB0").file_utils, "get_file", lambda *names, **options: str(path))
    # Keras adds the layer that divides only if it fetches the weights itself.
    theirs = network.original("EfficientNetB0", (32, 40, 3), weights="imagenet")
    spec = PretrainedBranch(network="EfficientNetB0", weights="imagenet" if weights == "imagenet" else path)
    ours = pretrained(spec, IMAGE, name="photo")
    load_weights(ours, spec)

    assert_close(last_map(ours, PIXELS), theirs(PIXELS).numpy())


def test_every_weight_of_a_network_gets_a_gradient() -> None:
    branch = branch_of("MobileNetV3Small", activation="tanh")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(branch(PIXELS, training=True)["vector"] ** 2)

    gradients = tape.gradient(loss, [variable.value for variable in branch.trainable_variables])
    for variable, gradient in zip(branch.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(gradient).all(), variable.path


def test_an_example_alone_gives_what_it_gives_in_a_batch() -> None:
    branch = branch_of("MobileNetV2")

    together, alone = branch(PIXELS), branch(PIXELS[1:2])
    for name, output in together.items():
        np.testing.assert_allclose(alone[name][0], output[1], rtol=1e-3, atol=1e-5)


def test_a_branch_comes_back_from_its_config_and_weights_assigned_one_by_one() -> None:
    branch = branch_of("EfficientNetB0")
    normalization = branch.get_layer("network").layers[2]
    normalization.set_weights([np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.1, 0.3]), np.array(7)])
    again = keras.Model.from_config(branch.get_config())
    for variable, value in zip(again.weights, branch.get_weights(), strict=True):
        variable.assign(value)

    assert_close(again(PIXELS)["stage_5"].numpy(), branch(PIXELS)["stage_5"].numpy())


def test_two_branches_of_a_network_go_into_one_model() -> None:
    front, back = (keras.Input((32, 40, 3), dtype="uint8", name=name) for name in ("front", "back"))
    spec = PretrainedBranch(network="MobileNet", units=5, pooling="flatten")
    vectors = [pretrained(spec, IMAGE, name=source.name)(source)["vector"] for source in (front, back)]
    model = keras.Model([front, back], keras.layers.Concatenate()(vectors))

    assert model([PIXELS, PIXELS]).shape == (3, 10)


@pytest.mark.parametrize(
    ("blocks", "number"), [(None, 104), (0, 0), (2, 14)], ids=["all blocks", "no block", "two blocks"]
)
def test_only_the_last_blocks_train(blocks: int | None, number: int) -> None:
    branch = branch_of("MobileNetV2", trainable_blocks=blocks)

    trained = {layer.name for layer in branch.get_layer("network").layers if layer.trainable_weights}
    assert len(trained) == number
    if blocks is not None:
        assert all(name.startswith(("block_15", "block_16", "Conv_1")) for name in trained)
    assert branch.get_layer("dense").trainable_weights


def test_a_network_that_stays_as_it_is_neither_drifts_nor_drops_anything() -> None:
    branch = branch_of("EfficientNetB0", trainable_blocks=0, dropout=0)
    before = branch.get_weights()
    in_training = branch(PIXELS, training=True)["stage_5"]

    np.testing.assert_array_equal(in_training, branch(PIXELS, training=False)["stage_5"])
    assert all((one == other).all() for one, other in zip(before, branch.get_weights(), strict=True))


def test_frozen_blocks_do_not_drift_while_others_do() -> None:
    branch = branch_of("MobileNetV2", trainable_blocks=1)
    layers = {name: branch.get_layer("network").get_layer(name) for name in ("block_15_project_BN", "Conv_1_bn")}
    before = {name: layer.mean.numpy() for name, layer in layers.items()}
    branch(PIXELS, training=True)

    assert (layers["block_15_project_BN"].mean.numpy() == before["block_15_project_BN"]).all()
    assert (layers["Conv_1_bn"].mean.numpy() != before["Conv_1_bn"]).any()


def test_more_blocks_than_there_are_cannot_train() -> None:
    with pytest.raises(
        SpecError, match=r"^branches\.photo\.trainable_blocks: MobileNet has 14 blocks\. Received: 15\."
    ):
        branch_of("MobileNet", trainable_blocks=15)
