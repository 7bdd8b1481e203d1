"""Every merge against its formula in NumPy, and what all of them must hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from model.merges import Features, merge
from model.merges.cross_attention import CrossAttention
from model.merges.factorized_bilinear import FactorizedBilinear
from model.merges.film import Film
from model.merges.gated import Gated
from model.merges.low_rank_bilinear import LowRankBilinear
from model.merges.positions import sinusoids
from model.spec import (
    BilinearMerge,
    ConcatenateMerge,
    CrossAttentionMerge,
    DotMerge,
    ElementwiseMerge,
    FilmMerge,
    GatedMerge,
    Merge,
    SubtractMerge,
)

Array = NDArray[np.float32]
Weights = dict[str, Array]

NAMES = ("picture", "title", "tags")
PLACES, DEPTHS = (4, 3, 5), (6, 3, 2)
BATCH = 3


@dataclass(frozen=True)
class View:
    """The numbers that stand for a view: vector (batch, width), states (batch, places, depth), mask (batch, places)."""

    vector: Array
    states: Array
    mask: NDArray[np.bool_]


# The formulas, each from the weights by their path behind `merge.<kind>/` and the views.


def at_one_width(weights: Weights, views: list[View], width: int) -> list[Array]:
    return [
        view.vector if view.vector.shape[1] == width else view.vector @ weights[f"merge.project.{name}/kernel"]
        for name, view in zip(NAMES, views, strict=False)
    ]


def elementwise(combine: Callable[..., Array], width: int) -> Callable[[Weights, list[View]], Array]:
    return lambda weights, views: combine(at_one_width(weights, views, width), axis=0)


def subtract(weights: Weights, views: list[View]) -> Array:
    first, second = at_one_width(weights, views, 4)
    return first - second


def dot(weights: Weights, views: list[View]) -> Array:
    first, second = at_one_width(weights, views, 4)
    return np.sum(first * second, axis=1, keepdims=True)


def cosine(weights: Weights, views: list[View]) -> Array:
    lengths = [np.linalg.norm(vector, axis=1, keepdims=True) for vector in at_one_width(weights, views, 4)]
    return dot(weights, views) / np.prod(lengths, axis=0)


def concatenate(weights: Weights, views: list[View]) -> Array:
    return np.concatenate([view.vector for view in views], axis=1)


def gated(weights: Weights, views: list[View]) -> Array:
    candidates = [np.tanh(view.vector @ weights[f"candidate_{place}/kernel"]) for place, view in enumerate(views, 1)]
    scores = np.exp(np.split(concatenate(weights, views) @ weights["gate/kernel"], len(views), axis=1))
    return np.sum(scores / scores.sum(axis=0) * candidates, axis=0)


def film_by(condition: int) -> Callable[[Weights, list[View]], Array]:
    def film(weights: Weights, views: list[View]) -> Array:
        others = concatenate(weights, [view for place, view in enumerate(views) if place != condition])
        modulation = views[condition].vector @ weights["modulation/kernel"] + weights["modulation/bias"]
        scale, shift = np.split(modulation, 2, axis=1)
        return np.maximum((1 + scale) * others + shift, 0)

    return film


def low_rank_bilinear(weights: Weights, views: list[View]) -> Array:
    factors = [
        np.tanh(view.vector @ weights[f"factor_{place}/kernel"] + weights[f"factor_{place}/bias"])
        for place, view in enumerate(views, 1)
    ]
    return prod(factors[1:], start=factors[0]) @ weights["output/kernel"] + weights["output/bias"]


def factorized_bilinear(weights: Weights, views: list[View]) -> Array:
    expansions = [
        view.vector @ weights[f"expansion_{place}/kernel"] + weights[f"expansion_{place}/bias"]
        for place, view in enumerate(views, 1)
    ]
    product = prod(expansions[1:], start=expansions[0])
    summed = np.stack([product[:, unit : unit + 3].sum(axis=1) for unit in range(0, product.shape[1], 3)], axis=1)
    rooted = summed / np.sqrt(np.abs(summed) + 1e-4)
    return rooted / np.sqrt(np.sum(rooted**2, axis=1, keepdims=True) + 1e-4)


def normalized(weights: Weights, name: str, values: Array) -> Array:
    centred = values - values.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-3)
    return centred / deviation * weights[f"{name}/gamma"] + weights[f"{name}/beta"]


def cross_attention(weights: Weights, views: list[View]) -> Array:
    """One example after another, with the masked places cut away."""
    rows = []
    for row in range(BATCH):
        places = []
        for view, given in enumerate(views, 1):
            states = given.states[row, given.mask[row]] @ weights[f"project_{view}/kernel"]
            angles = np.arange(len(states))[:, None] / 10_000 ** (np.arange(3) / 3)
            positions = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
            places.append(normalized(weights, f"normalize_{view}", states) + positions)
        vectors = []
        for own, asking in enumerate(places):
            seen = np.concatenate([other for view, other in enumerate(places) if view != own])
            queries, keys, values = (
                np.einsum("lu,uhk->hlk", states, weights[f"attention/{part}/kernel"])
                for part, states in (("query", asking), ("key", seen), ("value", seen))
            )
            scores = np.exp(queries @ keys.transpose(0, 2, 1) / np.sqrt(keys.shape[-1]))
            attended = scores / scores.sum(axis=-1, keepdims=True) @ values
            attended = np.einsum("hlk,hku->lu", attended, weights["attention/attention_output/kernel"])
            vectors.append(normalized(weights, "normalization", asking + attended).mean(axis=0))
        rows.append(np.concatenate([*(view.vector[row] for view in views), *vectors]))
    return np.stack(rows)


COMBINE: dict[str, Callable[..., Array]] = {
    "add": np.sum,
    "average": np.mean,
    "maximum": np.max,
    "minimum": np.min,
    "multiply": np.prod,
}
CROSS = CrossAttentionMerge(units=6, attention_heads=2)
# Spec, widths of the vectors, formula.
TABLE: list[tuple[Merge, tuple[int, ...], Callable[[Weights, list[View]], Array]]] = [
    (ConcatenateMerge(), (4, 4), concatenate),
    (ConcatenateMerge(), (4, 2, 3), concatenate),
    *(
        (ElementwiseMerge.model_validate({"kind": kind, "units": units}), widths, elementwise(combine, units or 4))
        for kind, combine in COMBINE.items()
        for units, widths in ((None, (4, 4)), (None, (2, 4)), (None, (4, 2, 4)), (5, (4, 5, 4)))
    ),
    (SubtractMerge(), (4, 4), subtract),
    (SubtractMerge(), (4, 2), subtract),
    (SubtractMerge(units=4), (3, 2), subtract),
    (DotMerge(), (4, 4), dot),
    (DotMerge(), (2, 4), dot),
    (DotMerge(normalize=True), (4, 4), cosine),
    (DotMerge(normalize=True, units=4), (2, 5), cosine),
    (GatedMerge(), (4, 4), gated),
    (GatedMerge(), (2, 4), gated),
    (GatedMerge(units=5), (4, 2, 3), gated),
    (FilmMerge(), (4, 4), film_by(1)),
    (FilmMerge(), (4, 2, 3), film_by(1)),
    (FilmMerge(condition="picture"), (4, 2, 3), film_by(0)),
    (FilmMerge(condition="tags"), (4, 2, 3), film_by(2)),
    (BilinearMerge(units=5), (4, 4), low_rank_bilinear),
    (BilinearMerge(units=5), (4, 2, 3), low_rank_bilinear),
    (BilinearMerge(units=5, factors=3), (4, 4), factorized_bilinear),
    (BilinearMerge(units=5, factors=3), (4, 2, 3), factorized_bilinear),
    (CROSS, (4, 4), cross_attention),
    (CROSS, (4, 2, 3), cross_attention),
]
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
