"""Kernels of convolutions as the native code takes them.

Winograd's minimal filtering, F(m x m, r x r) with m + r - 1 = 8, as Lavin and Gray (2015), "Fast Algorithms for
Convolutional Neural Networks", describe it: a tile of 8 x 8 inputs gives m x m outputs of a kernel of r x r, of
polynomials taken at eight points. transform.h has the other two of its three transforms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TILE = 8
SIZES = (3, 5, 7)  # of kernels, a side
# Where the polynomials are taken, and last at infinity; and what each is multiplied with, so that the transforms of
# inputs and outputs have none but simple factors.
_POINTS = (0, 1, -1, 2, -2, 1 / 2, -1 / 2)
_FACTORS = (1, -2 / 9, -2 / 9, 1 / 90, 1 / 90, 32 / 45, 32 / 45)
LANES = 8
_WINOGRAD_FILTERS, _DIRECT_FILTERS = 2 * LANES, 3 * LANES  # that are computed at once


def winograd(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Kernels at the 64 points, (64, channels * filters): for each point blocks of 16 filters, (channels, 16).

    Args:
        kernels: (filters, channels, size, size); size is one of `SIZES`, filters are a multiple of 8.
    """
    size = kernels.shape[-1]
    matrix = np.zeros([TILE, size])
    matrix[:-1] = np.multiply.outer(_FACTORS, np.ones(size)) * np.power.outer(_POINTS, np.arange(size))
    matrix[-1, -1] = 1
    at_points = np.einsum("ya,xb,fcab->yxcf", matrix, matrix, kernels.astype(np.float64), optimize=True)
    return _blocks(at_points.reshape(TILE * TILE, kernels.shape[1], -1), _WINOGRAD_FILTERS)


def direct(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Kernels row by row, (1, size * size * channels * filters): blocks of 24 filters, (size, size, channels, 24).

    Args:
        kernels: (filters, channels, size, size); filters are a multiple of 8.
    """
    taps = kernels.transpose(2, 3, 1, 0)
    return _blocks(taps.reshape(1, -1, taps.shape[-1]), _DIRECT_FILTERS)


def _blocks(matrices: NDArray[np.floating], filters: int) -> NDArray[np.float32]:
    """The columns of matrices in blocks, one behind the other; the last one may have fewer."""
    count, _, columns = matrices.shape
    blocks = [matrices[:, :, first : first + filters].reshape(count, -1) for first in range(0, columns, filters)]
    return np.concatenate(blocks, axis=1, dtype=np.float32)
