"""How much each answer of a head counts that adds its copies: fitted on the validation rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_softmax

from model.build import FUSION
from model.heads import OWN, auxiliary_of, pooled
from model.spec import ModelSpec

Floats = NDArray[np.float64]

# The weights are drawn towards 1 as if so many rows had asked for that.
ROWS_FOR_ONE = 1.0
_LARGEST = 10.0
# So many logits settle a handful of weights; of a thousand labels and four answers, those of a thousand rows.
_MOST_NUMBERS = 4_000_000


def all_pooled(spec: ModelSpec) -> list[str]:
    """The names of all logits that are pooled to those of some head; none if no head adds its copies."""
    return [answer for name in spec.heads for answer in pooled(spec, name)]


def fit_pools(
    network: keras.Model,
    spec: ModelSpec,
    logits: Mapping[str, NDArray[np.float32]],
    targets: Mapping[str, NDArray[np.generic]],
) -> dict[str, NDArray[np.float32]]:
    """Sets the weights of a network's pools to those with the least log loss.

    Args:
        network: of `model.build`.
        spec: of it.
        logits: of the validation rows, those of `all_pooled`.
        targets: of the same rows, for each head int32 (rows,) or bool (rows, classes).

    Returns:
        For each head with a pool its logits by the new weights, float32 (rows, classes).
    """
    anew = {}
    for name in spec.heads:
        if answers := [logits[answer] for answer in pooled(spec, name)]:
            weights = shares(answers, targets[name])
            pool = network.get_layer(FUSION).get_layer(f"{name}.pool")
            pool.shares.assign(weights)
            anew[name] = _pool(answers, weights).astype(np.float32)
    return anew


def shares_of(network: keras.Model, spec: ModelSpec) -> dict[str, dict[str, float]]:
    """For each head that adds its copies how much each answer counts: `merged`, its own, and that of each view.

    Args:
        network: of `model.build`, trained.
        spec: of it.
    """
    found = {}
    for name in spec.heads:
        if pooled(spec, name):
            weights = network.get_layer(FUSION).get_layer(f"{name}.pool").shares.numpy().tolist()
            found[name] = dict(zip([OWN, *auxiliary_of(spec, name)], weights, strict=True))
    return found


def shares(answers: Sequence[NDArray[np.floating]], targets: NDArray[np.generic]) -> Floats:
    """The weights of a logarithmic pool with the least log loss, (answers,), none below 0.

    The loss is convex in them. To its sum over the rows comes half the squared distance of the weights from 1, so that
    few rows change little, and rows that are all right do not ask for more and more.

    Args:
        answers: float (rows, classes) each; of very many rows some, evenly spaced, are looked at.
        targets: int32 (rows,), or bool (rows, classes) of a multi-label head.
    """
    rows, classes = answers[0].shape
    looked_at = np.linspace(0, rows - 1, min(rows, max(1, _MOST_NUMBERS // (classes * len(answers)))), dtype=np.intp)
    answers = [answer[looked_at].astype(np.float64) for answer in answers]
    right = targets[looked_at]
    told_and_error = _of_several if right.ndim == 2 else _of_one

    def loss(weights: Floats) -> tuple[float, Floats]:
        told, error = told_and_error(_pool(answers, weights), right)
        away = weights - 1
        slopes = np.array([np.vdot(answer, error) for answer in answers])
        return told + ROWS_FOR_ONE / 2 * float(away @ away), slopes + ROWS_FOR_ONE * away

    found = minimize(loss, np.ones(len(answers)), jac=True, method="L-BFGS-B", bounds=[(0, _LARGEST)] * len(answers))
    weights: Floats = found.x
    return weights


def _pool(answers: Sequence[NDArray[np.floating]], weights: Floats) -> Floats:
    """As `model.merges.pool.LogarithmicPool` does it."""
    total: Floats = np.zeros(answers[0].shape)
    for answer, weight in zip(answers, weights, strict=True):
        total += weight * answer
    return total


def _of_one(logits: Floats, right: NDArray[np.generic]) -> tuple[float, Floats]:
    """Log loss of a single-label head, and its slope in the logits; right: int32 (rows,)."""
    likelihoods = log_softmax(logits, axis=1)
    at = np.arange(len(right)), right
    error = np.exp(likelihoods)
    error[at] -= 1
    return -float(likelihoods[at].sum()), error


def _of_several(logits: Floats, right: NDArray[np.generic]) -> tuple[float, Floats]:
    """Log loss of a multi-label head, and its slope in the logits; right: bool (rows, classes)."""
    told = np.where(right, log_expit(logits), log_expit(-logits))
    return -float(told.sum()), expit(logits) - right
