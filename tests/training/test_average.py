"""The moving average of the weights."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from training.average import Average


def test_the_average_is_the_formula() -> None:
    weight = keras.Variable(np.float32([1.0, 2.0]))
    average = Average([weight], decay=0.5)
    expected = weight.numpy().astype(np.float64)
    for step in range(12):
        weight.assign(weight.value * 2 - 1)
        average.update(tf.constant(step))
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight.numpy()

    np.testing.assert_allclose(average.values[0].numpy(), expected, rtol=1e-5)


def test_within_the_network_has_the_average_and_afterwards_its_own_weights() -> None:
    weight = keras.Variable(np.float32([1.0]))
    average = Average([weight], decay=0.9)
    weight.assign([5.0])
    with average.in_place():
        assert weight.numpy() == [1.0]
    assert weight.numpy() == [5.0]


def test_what_does_not_change_stays_exactly_as_it_is() -> None:
    weight = keras.Variable(np.float32([0.1, 1e-30, 12345.678]))
    count = keras.Variable(np.int64(3), dtype="int64")
    average = Average([weight, count], decay=0.999)
    for step in range(50):
        average.update(tf.constant(step))

    np.testing.assert_array_equal(average.values[0].numpy(), weight.numpy())
    assert len(average.values) == 1  # counts are not averaged
