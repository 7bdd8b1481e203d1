"""Arithmetic with constants in an OpenVINO model, channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Affine:
    """Values of channels, multiplied and added to."""

    def __init__(self, channels: int) -> None:
        self.scale = np.ones(channels)
        self.shift = np.zeros(channels)

    def takes(self, node: Any, source: Any, axis: int) -> bool:
        """Whether a node multiplies the channels of a source with constants or adds to them; then it is done here too.

        Args:
            node: that takes the source.
            source: an output.
            axis: of its channels, of four.
        """
        kind = node.get_type_name()
        if kind not in ("Multiply", "Add", "Subtract", "Divide"):
            return False
        places = [one.get_source_output().get_node().get_name() for one in node.inputs()]
        own = places.index(source.get_node().get_name())
        if own == 1 and kind in ("Subtract", "Divide"):
            return False
        values = constant(node, 1 - own)
        if values is None or values.ndim > 4 or not (values.size == 1 or _lies_along(values, axis, len(self.scale))):
            return False
        if kind == "Divide" and not values.all():
            return False
        values = values.astype(np.float64).reshape(-1)
        match kind:
            case "Multiply":
                self.scale, self.shift = self.scale * values, self.shift * values
            case "Divide":
                self.scale, self.shift = self.scale / values, self.shift / values
            case "Add":
                self.shift = self.shift + values
            case "Subtract":
                self.shift = self.shift - values
        return True


def _lies_along(values: NDArray[Any], axis: int, channels: int) -> bool:
    """Whether there is one value a channel."""
    shape = [1] * (4 - values.ndim) + list(values.shape)
    return bool(values.size == channels == shape[axis])


def constant(node: Any, place: int) -> NDArray[Any] | None:
    """What a node always takes at a place; None if it is not always the same."""
    source = node.input_value(place).get_node()
    return np.asarray(source.data) if source.get_type_name() == "Constant" else None
