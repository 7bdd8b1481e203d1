"""Figures, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.evaluate import single_label

LABELS = ("a", "b", "c")
# Right, right, wrong (b for a), right; c never occurs and is never predicted.
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.3, 0.6, 0.1], [0.6, 0.3, 0.1]], np.float32)
TARGETS = np.array([0, 1, 0, 0], np.int32)


def test_figures_are_those_of_the_textbook() -> None:
    figures = single_label(PROBABILITIES, TARGETS, labels=LABELS, commonest=0)

    assert figures["examples"] == 4
    assert figures["accuracy"] == 0.75
    assert figures["majority"] == 0.75
    assert figures["confusion"] == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert figures["classes"]["a"] == {"precision": 1, "recall": pytest.approx(2 / 3), "f1": 0.8, "support": 3}
    assert figures["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    expected = -np.log([0.8, 0.7, 0.3, 0.6]).mean()
    assert figures["log_loss"] == pytest.approx(expected, abs=1e-6)


def test_the_interval_is_wilsons() -> None:
    low, high = single_label(PROBABILITIES, TARGETS, labels=LABELS, commonest=0)["accuracy_interval"]

    # Wilson (1927), n = 4, p = 0.75, z = 1.96.
    z2, n, p = 1.959964**2, 4, 0.75
    middle, reach = (p + z2 / 2 / n) / (1 + z2 / n), math.sqrt(p * (1 - p) * z2 / n + z2**2 / 4 / n**2) / (1 + z2 / n)
    assert (low, high) == pytest.approx((middle - reach, middle + reach), abs=1e-5)


def test_float32_rounding_of_many_classes_does_not_warn() -> None:
    random = np.random.default_rng(0)
    values = random.random((50, 700)).astype(np.float32)
    labels = tuple(map(str, range(700)))

    figures = single_label(
        values / values.sum(axis=1, keepdims=True), random.integers(0, 700, 50), labels=labels, commonest=0
    )
    assert math.isfinite(figures["log_loss"])
