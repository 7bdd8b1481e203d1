"""What stands in for an input that is absent."""

from __future__ import annotations

import numpy as np

from model.presence import Presence, StatesPresence


def test_a_learned_vector_stands_where_an_input_is_absent() -> None:
    layer = Presence()
    vector = np.array([[1.0, 2.0], [np.nan, 4.0]], np.float32)
    layer.build(vector.shape, (2,))
    layer.absent.assign([9.0, 8.0])

    np.testing.assert_array_equal(layer(vector, np.array([True, False])), [[1, 2], [9, 8]])


def test_a_learned_place_stands_for_all_places_of_an_absent_input() -> None:
    layer = StatesPresence()
    states = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    layer.build(states.shape, (2, 3), (2,))
    layer.absent.assign([9.0, 8.0])
    longer, real = layer(states, np.array([[True, True, False], [True, True, True]]), np.array([True, False]))

    np.testing.assert_array_equal(longer[:, 0], [[9, 8], [9, 8]])
    np.testing.assert_array_equal(longer[:, 1:], states)
    assert real.numpy().tolist() == [[False, True, True, False], [True, False, False, False]]
