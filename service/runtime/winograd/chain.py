"""Convolutions one behind the other, as they stand behind a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Convolution:
    """A convolution with stride 1 and as many outputs as inputs, and what follows it.

    What it computes is pooled, multiplied with `scale`, added to `shift` and rectified, in this order.

    Args:
        kernels: float32 (filters, channels, size, size); size is odd.
        scale: float32 (filters,).
        shift: float32 (filters,).
        is_pooled: whether the maximum of every 2 x 2 is taken; what is over at an odd end is left out.
        is_rectified: whether what is below zero becomes zero.
    """

    kernels: NDArray[np.float32]
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    is_pooled: bool = False
    is_rectified: bool = False


@dataclass(frozen=True)
class Chain:
    """What becomes of a picture.

    Args:
        height: of the picture.
        width: of the picture.
        scale: what pixels are multiplied with, float32 (channels,).
        shift: and what is added then, float32 (channels,).
        convolutions: at least one.
    """

    height: int
    width: int
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    convolutions: tuple[Convolution, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of what comes out."""
        height, width = self.height, self.width
        for one in self.convolutions:
            if one.is_pooled:
                height, width = height // 2, width // 2
        return height, width, len(self.convolutions[-1].kernels)
