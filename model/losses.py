"""What a head is trained to make small."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.spec import Head, MultiLabelHead

# Of the effective number of examples: beyond about 1 / (1 - BETA) of them, another tells little that is new.
BETA = 0.999


def loss(head: Head, logits: tf.Tensor, targets: tf.Tensor, class_weights: NDArray[np.float32]) -> tf.Tensor:
    """Mean cross entropy in nats, with the head's label smoothing and focal factor; its loss weight is not applied.

    A single-label example weighs as its label does:

        - w[y] (1 - p[y])^gamma sum_c t[c] log p[c],    t = (1 - e) onehot(y) + e / classes

    For a multi-label head the mean is also over the labels, and the weight is that of a label that is right:

        - (1 - q)^gamma (w t log p + (1 - t) log(1 - p)),    t = (1 - e) y + e / 2,    q = p if y else 1 - p

    Args:
        head: its smoothing e and gamma (Lin 2017, arXiv:1708.02002).
        logits: float32 (batch, classes).
        targets: int32 (batch,), the index of the right label; for a multi-label head bool (batch, classes).
        class_weights: w, float32 (classes,); see `class_weights`.

    Returns:
        float32, a single number.
    """
    if isinstance(head, MultiLabelHead):
        return tf.reduce_mean(_multi_label(head, logits, targets, class_weights))
    return tf.reduce_mean(_single_label(head, logits, targets, class_weights))


def class_weights(
    mode: Literal["none", "balanced", "effective_number"], targets: NDArray[Any], classes: int
) -> NDArray[np.float32]:
    """How much an example of each label counts.

    For single labels the weights are normalised so that the mean over the examples is 1; for multi-label targets they
    say how much a label that is right counts against one that is wrong. `balanced` is one over the number of
    examples n, `effective_number` one over (1 - BETA^n) / (1 - BETA) (Cui 2019, arXiv:1901.05555).

    Args:
        mode: of the head.
        targets: of the training split, int32 (examples,) or bool (examples, classes).
        classes: how many labels there are.

    Returns:
        float32 (classes,); 1 for a label without an example.
    """
    if mode == "none":
        return np.ones(classes, np.float32)
    if targets.ndim == 2:
        right = targets.sum(axis=0)
        weights = _amount(mode, len(targets) - right) / np.maximum(_amount(mode, right), 1)
        return np.where((right == 0) | (right == len(targets)), 1, weights).astype(np.float32)
    counts = np.bincount(targets, minlength=classes)
    weights = np.where(counts == 0, 0, 1 / np.maximum(_amount(mode, counts), 1))
    weights *= len(targets) / np.sum(weights * counts)
    return np.where(counts == 0, 1, weights).astype(np.float32)


def _amount(mode: str, counts: NDArray[np.integer]) -> NDArray[np.float64]:
    exact = counts.astype(np.float64)
    return exact if mode == "balanced" else (1 - BETA**exact) / (1 - BETA)


def _single_label(head: Head, logits: tf.Tensor, targets: tf.Tensor, class_weights: NDArray[np.float32]) -> tf.Tensor:
    right = tf.one_hot(targets, len(head.labels))  # (B, C)
    smoothed = right * (1 - head.label_smoothing) + head.label_smoothing / len(head.labels)
    losses = tf.nn.softmax_cross_entropy_with_logits(labels=smoothed, logits=logits)  # (B,)
    if head.focal_gamma:
        losses *= _focal(head, tf.reduce_sum(right * tf.nn.softmax(logits), axis=1))
    return losses if head.class_weights == "none" else losses * tf.gather(class_weights, targets)


def _multi_label(head: Head, logits: tf.Tensor, targets: tf.Tensor, class_weights: NDArray[np.float32]) -> tf.Tensor:
    right = tf.cast(targets, tf.float32)  # (B, C)
    smoothed = right * (1 - head.label_smoothing) + head.label_smoothing / 2
    losses = tf.nn.weighted_cross_entropy_with_logits(smoothed, logits, pos_weight=class_weights)
    if head.focal_gamma:
        losses *= _focal(head, tf.sigmoid(tf.where(targets, logits, -logits)))
    return losses


def _focal(head: Head, probability_of_right: tf.Tensor) -> tf.Tensor:
    # Rounding may put a probability at 1, where the slope of x^gamma has no limit for gamma below 1.
    return tf.maximum(1 - probability_of_right, 1e-7) ** head.focal_gamma
