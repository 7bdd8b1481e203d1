"""Which labels a head gives, of the probabilities that it has for all."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from model.spec import THRESHOLD, Head, MultiLabelHead

# For each multi-label head from which probability on each label is given, float32 (classes,), as
# `model.bundle.Metadata.threshold_arrays` has it.
Thresholds = Mapping[str, NDArray[np.float32]]
NO_THRESHOLDS: Thresholds = MappingProxyType({})


def given(head: Head, values: NDArray[np.float32], thresholds: NDArray[np.float32] | None) -> NDArray[np.bool_]:
    """Bool (classes,): the most probable label, or of a multi-label head every one that reaches its threshold.

    Args:
        head: of the model.
        values: its probabilities, float32 (classes,).
        thresholds: float32 (classes,); None stands for one half.
    """
    if isinstance(head, MultiLabelHead):
        reached: NDArray[np.bool_] = values >= (np.float32(THRESHOLD) if thresholds is None else thresholds)
        return reached
    chosen = np.zeros(len(values), bool)
    chosen[int(np.argmax(values))] = True  # of equals the first
    return chosen
