"""The losses of heads against their formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from model.losses import BETA, class_weights, loss
from model.spec import Head, MultiLabelHead, SingleLabelHead

RANDOM = np.random.default_rng(3)
LOGITS = RANDOM.normal(size=(6, 4)).astype(np.float32)
SINGLE = RANDOM.integers(0, 4, 6).astype(np.int32)
SEVERAL = RANDOM.random((6, 4)) < 0.4
WEIGHTS = np.array([0.5, 2, 1, 3], np.float32)
LABELS = ("a", "b", "c", "d")


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def single(smoothing: float, gamma: float, weights: np.ndarray) -> float:
    p, rows = softmax(LOGITS), np.arange(6)
    target = np.eye(4)[SINGLE] * (1 - smoothing) + smoothing / 4
    entropy = -(target * np.log(p)).sum(axis=1)
    return float((weights[SINGLE] * (1 - p[rows, SINGLE]) ** gamma * entropy).mean())


def several(smoothing: float, gamma: float, weights: np.ndarray) -> float:
    p = 1 / (1 + np.exp(-LOGITS))
    target = SEVERAL * (1 - smoothing) + smoothing / 2
    entropy = -(weights * target * np.log(p) + (1 - target) * np.log(1 - p))
    return float((np.where(SEVERAL, 1 - p, p) ** gamma * entropy).mean())


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("mode", ["none", "balanced"])
@pytest.mark.parametrize("kind", [SingleLabelHead, MultiLabelHead])
def test_a_loss_equals_its_formula(kind: type[Head], mode: str, smoothing: float, gamma: float) -> None:
    head = kind(labels=LABELS, label_smoothing=smoothing, focal_gamma=gamma, class_weights=mode)  # type: ignore[call-arg]
    weights = np.ones(4, np.float32) if mode == "none" else WEIGHTS
    formula, targets = (several, SEVERAL) if kind is MultiLabelHead else (single, SINGLE)

    found = loss(head, tf.constant(LOGITS), tf.constant(targets), weights)
    assert float(found) == pytest.approx(formula(smoothing, gamma, weights), rel=1e-5)


def test_a_focal_loss_has_a_finite_slope_where_an_example_is_surely_right() -> None:
    logits = tf.constant([[80.0, -80.0]])
    for head, target in ((SingleLabelHead(labels=("a", "b"), focal_gamma=0.5), [0]), (MultiLabelHead(labels=("a", "b"), focal_gamma=0.5), [[True, False]])):  # fmt: skip
        with tf.GradientTape() as tape:
            tape.watch(logits)
            found = loss(head, logits, tf.constant(target), np.ones(2, np.float32))
        assert np.isfinite(tape.gradient(found, logits)).all()


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    targets = np.repeat([0, 1, 2], [50, 30, 5]).astype(np.int32)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=targets)

    np.testing.assert_allclose(class_weights("balanced", targets, 3), expected, rtol=1e-6)


def test_effective_number_weights_are_those_of_the_paper_with_a_mean_of_1_over_the_examples() -> None:
    counts = np.array([5000, 300, 5])
    weights = class_weights("effective_number", np.repeat([0, 1, 2], counts).astype(np.int32), 3)

    paper = (1 - BETA) / (1 - BETA**counts)
    np.testing.assert_allclose(weights / weights[0], paper / paper[0], rtol=1e-5)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1, rel=1e-5)
    balanced = class_weights("balanced", np.repeat([0, 1, 2], counts).astype(np.int32), 3)
    assert weights[2] / weights[0] < balanced[2] / balanced[0]


@pytest.mark.parametrize("mode", ["none", "balanced", "effective_number"])
def test_a_label_without_an_example_weighs_1(mode: str) -> None:
    targets = np.array([[True, False, True], [False, False, True]])

    assert class_weights(mode, np.array([0, 0, 2], np.int32), 3)[1] == 1  # type: ignore[arg-type]
    assert class_weights(mode, targets, 3)[1:].tolist() == [1, 1]  # type: ignore[arg-type]


def test_balanced_weights_of_several_labels_make_right_and_wrong_count_alike() -> None:
    targets = np.zeros((100, 1), bool)
    targets[:20] = True

    assert class_weights("balanced", targets, 1).tolist() == [4]
