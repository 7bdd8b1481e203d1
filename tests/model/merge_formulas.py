"""The formula of each merge in NumPy, each from the weights by their path behind `merge.<kind>/` and the views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

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
BATCH = 3


@dataclass(frozen=True)
class View:
    """The numbers that stand for a view: vector (batch, width), states (batch, places, depth), mask (batch, places)."""

    vector: Array
    states: Array
    mask: NDArray[np.bool_]


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
