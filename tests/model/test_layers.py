"""The layers, each against its formula in NumPy."""

from __future__ import annotations

import numpy as np

from model.presence import Presence


def test_presence_puts_a_learned_vector_where_an_input_is_absent() -> None:
    layer = Presence()
    vector = np.array([[1.0, 2.0], [np.nan, 4.0]], np.float32)
    layer.build(vector.shape, (2,))
    layer.absent.assign([9.0, 8.0])

    np.testing.assert_array_equal(layer(vector, np.array([True, False])), [[1, 2], [9, 8]])
