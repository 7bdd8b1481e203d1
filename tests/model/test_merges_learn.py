"""What the merges can learn: an answer that no view has alone, and which view to listen to."""

from __future__ import annotations

import numpy as np
import pytest

from model.spec import (
    BilinearMerge,
    ConcatenateMerge,
    CrossAttentionMerge,
    ElementwiseMerge,
    FilmMerge,
    GatedMerge,
    Merge,
)
from tests.model import made_up_views

pytestmark = pytest.mark.slow  # Trainings.

STEPS = 300


def accuracy(spec: Merge, *, trunk: int = 16, views: tuple[int, ...] = (0, 1)) -> float:
    """On new rows of the XOR set, after a second or two of training."""
    network = made_up_views.network(spec, trunk=trunk, views=views)
    made_up_views.train(network, *made_up_views.xor(2000, seed=1), steps=STEPS)
    return made_up_views.accuracy(network, *made_up_views.xor(1000, seed=2))


@pytest.mark.parametrize("view", [0, 1])
def test_one_view_alone_can_not_learn_xor(view: int) -> None:
    assert abs(accuracy(ConcatenateMerge(), views=(view,)) - 0.5) < 0.06


@pytest.mark.parametrize(
    "spec",
    [
        ConcatenateMerge(),
        ElementwiseMerge(kind="multiply"),
        GatedMerge(),
        FilmMerge(),
        BilinearMerge(units=16),
        BilinearMerge(units=16, factors=4),
        CrossAttentionMerge(units=16, attention_heads=2),
    ],
    ids=["concatenate", "multiply", "gated", "film", "MLB", "MFB", "cross_attention"],
)
def test_merged_views_learn_xor(spec: Merge) -> None:
    assert accuracy(spec) >= 0.95


@pytest.mark.parametrize(
    ("spec", "learns"), [(ConcatenateMerge(), False), (FilmMerge(), True)], ids=["concatenate", "film"]
)
def test_without_a_trunk_a_merge_has_to_bring_the_views_together_itself(spec: Merge, learns: bool) -> None:
    assert (accuracy(spec, trunk=0) >= 0.95) is learns


@pytest.mark.parametrize("informed", [0, 1])
def test_the_gates_turn_to_the_view_that_is_not_noise(informed: int) -> None:
    # As many units as classes: none is to spare. One that is lets the noise saturate its candidate, which then is a
    # constant, and its gate carries the answer; docs/merges.md.
    learnt, test = (made_up_views.one_is_noise(rows, informed=informed, seed=rows) for rows in (20_000, 1_000))
    gates = []
    for seed in range(2):
        network = made_up_views.network(GatedMerge(units=8), classes=8, seed=seed)
        made_up_views.train(network, *learnt, steps=2 * STEPS, learning_rate=0.03)
        gates.append(made_up_views.mean_gates(network, test[0])[informed])

    assert np.mean(gates) >= 0.9
