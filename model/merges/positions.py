"""Where a place or a token stands, as a vector."""

from __future__ import annotations

import tensorflow as tf


def sinusoids(length: tf.Tensor | int, width: int) -> tf.Tensor:
    """Sines and cosines of the place, of wavelengths from 2 pi to 10,000 times that (Vaswani 2017, arXiv:1706.03762).

    Nothing is learned, so any length has them, and a place has the same vector in every batch. The places of a
    feature map are numbered row by row; a step down is then always the same number of places.

    Args:
        length: how many places.
        width: of the vectors.

    Returns:
        float32 (length, width): sines, then cosines.
    """
    pairs = (width + 1) // 2
    speeds = 10_000.0 ** (-tf.range(pairs, dtype=tf.float32) / pairs)
    angles = tf.range(length, dtype=tf.float32)[:, tf.newaxis] * speeds  # (L, pairs)
    return tf.concat([tf.sin(angles), tf.cos(angles)], axis=1)[:, :width]
