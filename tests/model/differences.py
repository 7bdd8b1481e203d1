"""How far decoded pictures are from what they should be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def difference(ours: NDArray[np.uint8], expected: NDArray[np.uint8]) -> int:
    """The largest, in grey levels."""
    return int(np.abs(ours.astype(int) - expected).max())


def psnr(ours: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.square(ours.astype(float) - truth).mean()))
