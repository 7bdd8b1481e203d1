"""How much each answer of a head counts that adds its copies: fitted on the validation rows."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, log_softmax

from model.build import FUSION
from model.heads import pooled
from model.spec import ModelSpec

Floats = NDArray[np.float64]

# The weights are drawn towards 1 as if so many rows had asked for that.
ROWS_FOR_ONE = 1.0
_LARGEST = 10.0


def all_pooled(spec: ModelSpec) -> list[str]:
    """The names of all logits that are pooled to those of some head; none if no head adds its copies."""
    return [answer for name in spec.heads for answer in pooled(spec, name)]


def fit_pools(
    network: keras.Model,
    spec: ModelSpec,
    logits: Mapping[str, NDArray[np.float32]],
    targets: Mapping[str, NDArray[np.generic]],
) -> None:
    """Sets the weights of a network's pools to those with the least log loss.

    Args:
        network: of `model.build`.
        spec: of it.
        logits: of the validation rows, those of `all_pooled`.
        targets: of the same rows, for each head int32 (rows,) or bool (rows, classes).
    """
    for name in spec.heads:
        answers = [logits[answer] for answer in pooled(spec, name)]
        if answers:
            pool = network.get_layer(FUSION).get_layer(f"{name}.pool")
            pool.shares.assign(shares(np.stack(answers).astype(np.float64), targets[name]))


def shares(logits: Floats, targets: NDArray[np.generic]) -> Floats:
    """The weights of a logarithmic pool with the least log loss, (answers,), none below 0.

    The loss is convex in them. To its sum over the rows comes half the squared distance of the weights from 1, so that
    few rows change little, and rows that are all right do not ask for more and more.

    Args:
        logits: (answers, rows, classes).
        targets: int32 (rows,), or bool (rows, classes) of a multi-label head.
    """
    several = targets.ndim == 2
    right = np.asarray(targets, np.float64) if several else np.eye(logits.shape[2])[np.asarray(targets)]

    def loss(weights: Floats) -> tuple[float, Floats]:
        pool = np.einsum("knc,k->nc", logits, weights)
        if several:
            told = -np.sum(right * log_expit(pool) + (1 - right) * log_expit(-pool))
            error = expit(pool) - right
        else:
            likelihoods = log_softmax(pool, axis=1)
            told = -np.sum(right * likelihoods)
            error = np.exp(likelihoods) - right
        away = weights - 1
        drawn = ROWS_FOR_ONE / 2 * float(away @ away)
        return float(told) + drawn, np.einsum("knc,nc->k", logits, error) + ROWS_FOR_ONE * away

    found = minimize(loss, np.ones(len(logits)), jac=True, method="L-BFGS-B", bounds=[(0, _LARGEST)] * len(logits))
    weights: Floats = found.x
    return weights
