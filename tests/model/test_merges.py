"""Every merge against its formula in NumPy, and what all of them must hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.merges import Features, merge
from model.merges.cross_attention import CrossAttention
from model.merges.factorized_bilinear import FactorizedBilinear
from model.merges.film import Film
from model.merges.gated import Gated
from model.merges.low_rank_bilinear import LowRankBilinear
from model.merges.positions import sinusoids
from model.spec import BilinearMerge, CrossAttentionMerge, DotMerge, ElementwiseMerge, FilmMerge, GatedMerge, Merge
from tests.model.merge_formulas import BATCH, COMBINE, CROSS, NAMES, TABLE, Array, View, Weights

PLACES, DEPTHS = (4, 3, 5), (6, 3, 2)


IDS = [f"{spec.kind}-{'-'.join(map(str, widths))}" for spec, widths, _ in TABLE]
MERGES = pytest.mark.parametrize(("spec", "widths"), [row[:2] for row in TABLE], ids=IDS)


def network(spec: Merge, widths: tuple[int, ...], names: tuple[str, ...] = NAMES) -> keras.Model:
    """The merge alone, with random weights, biases too: takes `tensors` of some views."""
    views, inputs = [], {}
    for view, (name, width) in enumerate(zip(names, widths, strict=False)):
        vector = keras.Input((width,), name=f"{name}.vector")
        states = keras.Input((None, DEPTHS[view]), name=f"{name}.states")
        mask = keras.Input((None,), dtype="bool", name=f"{name}.mask")
        views.append(Features(name, vector, states, mask, is_words=name != "picture"))
        inputs |= {one.name: one for one in (vector, states, mask)}
    model = keras.Model(inputs, merge(spec, views))
    random = np.random.default_rng(3)
    for weight in model.weights:
        weight.assign(random.normal(0, 0.7, weight.shape))
    return model


def some_views(widths: tuple[int, ...]) -> list[View]:
    """Numbers for a batch; the first example has all places of the first view, the last one a single place of each."""
    random = np.random.default_rng(4)
    views = []
    for width, places, depth in zip(widths, PLACES, DEPTHS, strict=False):
        lengths = np.array([places, 2, 1])[:, None]
        views.append(
            View(
                random.normal(size=(BATCH, width)).astype(np.float32),
                random.normal(size=(BATCH, places, depth)).astype(np.float32),
                np.arange(places) < lengths,
            )
        )
    return views


def tensors(views: list[View], names: tuple[str, ...] = NAMES) -> dict[str, tf.Tensor]:
    return {
        f"{name}.{part}": tf.constant(getattr(view, part))
        for name, view in zip(names, views, strict=False)
        for part in ("vector", "states", "mask")
    }


def weights_of(model: keras.Model, spec: Merge) -> Weights:
    return {weight.path.removeprefix(f"merge.{spec.kind}/"): weight.numpy() for weight in model.weights}


@pytest.mark.parametrize(("spec", "widths", "formula"), TABLE, ids=IDS)
def test_a_merge_equals_its_formula(
    spec: Merge, widths: tuple[int, ...], formula: Callable[[Weights, list[View]], Array]
) -> None:
    model, views = network(spec, widths), some_views(widths)
    merged = model(tensors(views))

    np.testing.assert_allclose(merged, formula(weights_of(model, spec), views), atol=1e-5, rtol=1e-5)
    assert model.output_shape == (None, merged.shape[1])


@MERGES
def test_every_weight_of_a_merge_gets_a_finite_gradient(spec: Merge, widths: tuple[int, ...]) -> None:
    model, given = network(spec, widths), tensors(some_views(widths))

    @tf.function
    def gradients() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(model(given, training=True) ** 3)
        return tape.gradient(loss, [weight.value for weight in model.trainable_weights])

    for weight, gradient in zip(model.trainable_weights, gradients(), strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).max() > 1e-6, weight.path


@MERGES
def test_vectors_of_zeros_give_finite_gradients(spec: Merge, widths: tuple[int, ...]) -> None:
    # What stands for an absent input is all zeros before training, and so are the biases.
    model, given = network(spec, widths), tensors(some_views(widths))
    for weight in model.weights:
        if weight.path.endswith("/bias"):
            weight.assign(tf.zeros_like(weight))

    @tf.function
    def gradients(vectors: dict[str, tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        sources = [*vectors.values(), *(weight.value for weight in model.trainable_weights)]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            merged = model({**given, **vectors}, training=True)
            loss = tf.reduce_sum(merged)
        return merged, [found for found in tape.gradient(loss, sources) if found is not None]

    merged, found = gradients({name: tf.zeros_like(one) for name, one in given.items() if name.endswith("vector")})
    assert np.isfinite(merged).all()
    assert all(np.isfinite(gradient).all() for gradient in found)


@MERGES
def test_an_example_alone_is_merged_as_in_a_batch(spec: Merge, widths: tuple[int, ...]) -> None:
    model, views = network(spec, widths), some_views(widths)
    batch = model(tensors(views))

    for row in range(BATCH):
        alone = [
            View(
                view.vector[row, None], view.states[row, None, : (n := view.mask[row].sum())], view.mask[row, None, :n]
            )
            for view in views
        ]
        np.testing.assert_allclose(model(tensors(alone))[0], batch[row], atol=1e-5)


@pytest.mark.parametrize("junk", [1e6, np.nan])
@pytest.mark.parametrize("widths", [(4, 4), (4, 2, 3)], ids=str)
def test_what_stands_in_masked_places_changes_nothing(widths: tuple[int, ...], junk: float) -> None:
    model, views = network(CROSS, widths), some_views(widths)
    spoilt = [
        View(view.vector, np.where(view.mask[:, :, None], view.states, np.float32(junk)), view.mask) for view in views
    ]

    np.testing.assert_allclose(model(tensors(spoilt)), model(tensors(views)), atol=1e-5)


@pytest.mark.parametrize(
    "spec",
    [*(ElementwiseMerge.model_validate({"kind": kind}) for kind in COMBINE), DotMerge(), DotMerge(normalize=True)],
    ids=lambda spec: spec.kind,
)
@pytest.mark.parametrize("widths", [(4, 4), (4, 2)], ids=str)
def test_swapping_the_views_of_a_symmetric_merge_changes_nothing(spec: Merge, widths: tuple[int, ...]) -> None:
    names, views = NAMES[:2], some_views(widths)
    model, swapped = network(spec, widths, names), network(spec, widths[::-1], names[::-1])
    given = {name: one for name, one in tensors(views).items() if name.endswith("vector")}
    swapped.set_weights(model.get_weights())

    np.testing.assert_allclose(vectors_alone(swapped)(given), vectors_alone(model)(given), rtol=1e-5)


def vectors_alone(model: keras.Model) -> keras.Model:
    """The same network without the inputs for states."""
    return keras.Model({name: one for name, one in model.input.items() if name.endswith("vector")}, model.output)


@pytest.mark.parametrize("spec", [row[0] for row in TABLE], ids=IDS)
def test_merging_one_view_leaves_its_vector_as_it_is(spec: Merge) -> None:
    vector, states, mask = keras.Input((3,)), keras.Input((None, 2)), keras.Input((None,), dtype="bool")

    assert merge(spec, [Features("picture", vector, states, mask, is_words=False)]) is vector


@pytest.mark.parametrize(
    ("units", "widths", "projected"),
    [(None, (4, 4), []), (None, (2, 4), ["picture"]), (3, (4, 3, 2), ["picture", "tags"])],
)
def test_only_vectors_of_another_width_are_projected(
    units: int | None, widths: tuple[int, ...], projected: list[str]
) -> None:
    model = network(ElementwiseMerge(kind="add", units=units), widths)

    assert [weight.path for weight in model.weights] == [f"merge.project.{name}/kernel" for name in projected]


@pytest.mark.parametrize(("units", "expected"), [(None, 4), (3, 3)])
def test_a_gated_merge_is_as_wide_as_the_widest_branch_unless_told(units: int | None, expected: int) -> None:
    assert network(GatedMerge(units=units), (2, 4)).output_shape == (None, expected)


@pytest.mark.parametrize(
    ("condition", "names", "expected"),
    [
        (None, ("picture", "title", "tags"), 1),
        (None, ("title", "picture", "tags"), 0),
        (None, ("picture", "picture.back", "picture.side"), 2),
        ("tags", ("picture", "title", "tags"), 2),
    ],
)
def test_film_is_conditioned_on_the_named_the_first_over_words_or_the_last_view(
    condition: str | None, names: tuple[str, ...], expected: int
) -> None:
    views = [
        Features(name, keras.Input((3,)), keras.Input((None, 2)), keras.Input((None,)), name in ("title", "tags"))
        for name in names
    ]
    merged = merge(FilmMerge(condition=condition), views)

    assert keras.Model([view.vector for view in views], merged).get_layer("merge.film").condition == expected


def test_the_gates_say_how_much_each_input_weighs() -> None:
    model, views = network(GatedMerge(units=5), (4, 2, 3)), some_views((4, 2, 3))
    layer, vectors = model.get_layer("merge.gated"), [view.vector for view in views]
    gates = layer.gates(vectors).numpy()
    candidates = np.stack([np.tanh(one @ weight) for one, weight in zip(vectors, layer.get_weights(), strict=False)], 1)

    assert gates.shape == (BATCH, 3, 5)
    np.testing.assert_allclose(gates.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.sum(gates * candidates, axis=1), model(tensors(views)), atol=1e-6)


def test_factorized_bilinear_pooling_is_the_papers_signed_root_of_length_one() -> None:
    layer = FactorizedBilinear(5, 3)
    vectors = [view.vector for view in some_views((4, 2))]
    merged = layer(vectors)

    first, second = (vector @ kernel for vector, kernel in zip(vectors, layer.get_weights()[::2], strict=True))
    summed = (first * second).reshape(BATCH, 5, 3).sum(axis=2)
    rooted = np.sign(summed) * np.sqrt(np.abs(summed))
    np.testing.assert_allclose(merged, rooted / np.linalg.norm(rooted, axis=1, keepdims=True), atol=5e-3)
    np.testing.assert_allclose(np.linalg.norm(merged, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize("view", [0, 1])
def test_cross_attention_knows_where_a_place_is(view: int) -> None:
    model, views = network(CROSS, (4, 4)), some_views((4, 4))
    given = tensors(views)
    name = f"{NAMES[view]}.states"
    swapped = tf.gather(given[name], [1, 0, *range(2, PLACES[view])], axis=1)

    assert np.abs(model(given)[:2] - model({**given, name: swapped})[:2]).max() > 0.01


@pytest.mark.parametrize("width", [1, 6, 7])
def test_sinusoids_have_one_row_a_place(width: int) -> None:
    pairs = (width + 1) // 2
    angles = np.arange(40)[:, None] / 10_000 ** (np.arange(pairs) / pairs)

    expected = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[:, :width]
    np.testing.assert_allclose(sinusoids(40, width), expected, atol=1e-5)


@pytest.mark.parametrize(
    "spec",
    [BilinearMerge(dropout=0.5), BilinearMerge(dropout=0.5, factors=2), CrossAttentionMerge(dropout=0.5)],
    ids=["MLB", "MFB", "cross_attention"],
)
def test_a_merge_drops_in_training_only(spec: Merge) -> None:
    model, given = network(spec, (4, 2)), tensors(some_views((4, 2)))
    merged = model(given)

    np.testing.assert_array_equal(model(given, training=False), merged)
    assert np.abs(model(given, training=True) - merged).max() > 0.01
    kept = network(spec.model_copy(update={"dropout": 0.0}), (4, 2))
    np.testing.assert_allclose(kept(given, training=True), merged, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (Gated, {"units": 5}),
        (Film, {"condition": 1}),
        (LowRankBilinear, {"units": 5, "dropout": 0.3}),
        (FactorizedBilinear, {"units": 5, "factors": 3, "dropout": 0.3}),
        (CrossAttention, {"units": 6, "attention_heads": 3, "dropout": 0.3}),
    ],
)
def test_a_layer_is_made_again_from_its_config(layer: type[keras.layers.Layer], arguments: dict[str, object]) -> None:
    again = keras.layers.deserialize(keras.layers.serialize(layer(**arguments, name="merge.some")))

    assert isinstance(again, layer)
    config = again.get_config()
    assert {key: config[key] for key in ("name", *arguments)} == {"name": "merge.some", **arguments}


def test_every_merge_is_documented_with_its_keys() -> None:
    lines = (Path(__file__).parents[2] / "docs" / "merges.md").read_text(encoding="utf-8").splitlines()

    for spec in (row[0] for row in TABLE):
        told = "".join(line for line in lines if line.startswith("| ") and f"`{spec.kind}`" in line)
        assert [key for key in type(spec).model_fields if key != "kind" and f"`{key}`" not in told] == []


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own, when it saves
@pytest.mark.parametrize(
    "spec",
    [GatedMerge(), FilmMerge(), BilinearMerge(units=5), BilinearMerge(units=5, factors=3), CROSS],
    ids=["gated", "film", "MLB", "MFB", "cross_attention"],
)
def test_a_merge_is_saved_and_loaded_with_its_weights(spec: Merge, tmp_path: Path) -> None:
    model, given = network(spec, (4, 2, 3)), tensors(some_views((4, 2, 3)))
    model.save(tmp_path / "merge.keras")

    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "merge.keras")(given), model(given))
