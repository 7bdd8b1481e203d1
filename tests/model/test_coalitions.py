"""Shapley values against their definition."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from model.coalitions import EXACT_UP_TO, coalitions

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("players", [1, 2, 3, 4])
def test_the_exact_sum_is_the_mean_over_all_orders(players: int) -> None:
    asked = coalitions(players)
    values = RANDOM.normal(size=len(asked.members))
    value = {tuple(members): number for members, number in zip(asked.members, values, strict=True)}

    changes = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = np.zeros(players, bool)
        for player in order:
            before = value[tuple(coalition)]
            coalition[player] = True
            changes[player] += value[tuple(coalition)] - before
    np.testing.assert_allclose(values @ asked.coefficients, changes / len(orders), rtol=1e-5)


@pytest.mark.parametrize("players", [1, 2, EXACT_UP_TO, EXACT_UP_TO + 1, 12])
def test_the_values_sum_to_what_all_change_together(players: int) -> None:
    asked = coalitions(players)
    values = RANDOM.normal(size=len(asked.members))

    assert not asked.members[0].any()
    assert asked.members[-1].all()
    assert (values @ asked.coefficients).sum() == pytest.approx(values[-1] - values[0], abs=1e-5)


@pytest.mark.parametrize("players", [5, 12])
def test_what_each_player_adds_by_itself_is_its_value(players: int) -> None:
    asked, worth = coalitions(players), RANDOM.normal(size=players)

    np.testing.assert_allclose(asked.members @ worth @ asked.coefficients, worth, atol=1e-5)


def test_the_number_of_questions_stays_small() -> None:
    assert len(coalitions(2).members) == 4
    assert len(coalitions(5).members) == 32
    assert len(coalitions(20).members) <= 16 * 20 + 1
