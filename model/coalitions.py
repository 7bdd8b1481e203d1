"""Which inputs to show a model together, and how to make Shapley values of what it answers. Without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

# Up to here all subsets are asked: at most 128 of them.
EXACT_UP_TO = 7
PERMUTATIONS = 16


@dataclass(frozen=True)
class Coalitions:
    """Subsets of players and the weights that turn their values into Shapley values.

    Args:
        members: bool (coalitions, players), who is in. The first is that of nobody, the last that of all.
        coefficients: float32 (coalitions, players); the values float (..., coalitions) times these are the Shapley
            values float (..., players), which sum to the last value minus the first.
    """

    members: NDArray[np.bool_]
    coefficients: NDArray[np.float32]


def coalitions(players: int) -> Coalitions:
    """All subsets for an exact sum (Shapley 1953); beyond `EXACT_UP_TO` players some of them.

    The value of player i is the mean, over all orders in which the players may join, of what its joining changes:

        sum over S without i of |S|! (n - |S| - 1)! / n! (v(S + i) - v(S))

    With many players the mean is over a fixed sample of orders and their reverses (Castro 2009); its sum is exact too.
    """
    return _exact(players) if players <= EXACT_UP_TO else _sampled(players)


def _exact(players: int) -> Coalitions:
    members = (np.arange(2**players)[:, np.newaxis] >> np.arange(players) & 1).astype(bool)  # (M, n)
    size = members.sum(axis=1)[:, np.newaxis]
    orders = [factorial(before) * factorial(players - before - 1) / factorial(players) for before in range(players)]
    joined = np.take([0.0, *orders], size)  # v(S + i) of those in S
    left = np.take([*orders, 0.0], size)  # v(S) of those not in S
    return Coalitions(members, np.where(members, joined, -left).astype(np.float32))


def _sampled(players: int) -> Coalitions:
    random = np.random.default_rng(0)  # the same explanation every time
    orders = [random.permutation(players) for _ in range(PERMUTATIONS // 2)]
    orders += [order[::-1] for order in orders]
    weights: dict[tuple[bool, ...], NDArray[np.float64]] = {}
    for order in orders:
        coalition = np.zeros(players, bool)
        for player in order:
            weights.setdefault(tuple(coalition), np.zeros(players))[player] -= 1 / len(orders)
            coalition[player] = True
            weights.setdefault(tuple(coalition), np.zeros(players))[player] += 1 / len(orders)
    asked = sorted(weights, key=sum)
    return Coalitions(np.array(asked), np.array([weights[one] for one in asked], np.float32))
