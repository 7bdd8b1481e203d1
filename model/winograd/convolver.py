"""Convolutions of batches in training, and their gradients, by native code."""

from __future__ import annotations

import ctypes
import os
from functools import cache

import numpy as np
from numpy.typing import NDArray

from model.winograd.filters import LANES, SIZES
from model.winograd.library import Batch, library

_ALIGNMENT = 64  # bytes, of what TensorFlow takes over without a copy


def fits(channels: int, filters: int, size: int) -> bool:
    """Whether a convolution with stride 1 and as many outputs as inputs can be computed.

    Args:
        channels, filters: that it takes and gives.
        size: of its kernels, a side.
    """
    return filters % LANES == 0 and size in SIZES and (channels % LANES == 0 or channels < LANES)


class Convolver:
    """Computes one call after the other, each by all of its threads, until the process ends.

    Args:
        threads: that share the work of a call.

    Raises:
        NativeCodeError: if it can't be used.
        MemoryError: if there are no such threads to be had.
    """

    def __init__(self, threads: int) -> None:
        self._handle = library().bifocal_convolver_new(threads)
        if not self._handle:
            raise MemoryError(f"There are no {threads} threads to be had for convolutions.")

    def convolve(
        self, features: NDArray[np.float32], kernels: NDArray[np.float32], *, transposed: bool = False
    ) -> NDArray[np.float32]:
        """A convolution with stride 1 and as many outputs as inputs, or the gradient of its input.

        Args:
            features: float32 (pictures, height, width, channels), contiguous.
            kernels: float32 (size, size, channels, filters), contiguous; see `fits`.
            transposed: takes the gradient of what comes out, and kernels (size, size, filters, channels).

        Returns:
            float32 (pictures, height, width, filters).

        Raises:
            MemoryError: if there is no room for it.
        """
        filters = kernels.shape[2 if transposed else 3]
        out = _empty((*features.shape[:3], filters))
        batch = Batch(*features.shape, filters, kernels.shape[0])
        self._call("convolve", batch, features, kernels, int(transposed), out)
        return out

    def kernel_gradient(
        self, features: NDArray[np.float32], gradient: NDArray[np.float32], size: int
    ) -> NDArray[np.float32]:
        """The gradient of a convolution's kernels.

        Args:
            features: float32 (pictures, height, width, channels), contiguous: what was convolved.
            gradient: float32 (pictures, height, width, filters), contiguous: of what came out.
            size: of the kernels, a side.

        Returns:
            float32 (size, size, channels, filters).

        Raises:
            MemoryError: if there is no room for it.
        """
        out = _empty((size, size, features.shape[3], gradient.shape[3]))
        self._call("kernel_gradient", Batch(*features.shape, gradient.shape[3], size), features, gradient, out)
        return out

    def _call(self, name: str, batch: Batch, *arguments: NDArray[np.float32] | int) -> None:
        given = [one if isinstance(one, int) else one.ctypes.data for one in arguments]
        if not getattr(library(), f"bifocal_{name}")(self._handle, ctypes.byref(batch), *given):
            raise MemoryError("There is no room for the buffers of convolutions.")


@cache
def shared(threads: int) -> Convolver:
    """The one of this process with so many threads; 0 are as many as it may use CPUs."""
    return Convolver(threads or len(os.sched_getaffinity(0)))


def _empty(shape: tuple[int, ...]) -> NDArray[np.float32]:
    count = int(np.prod(shape))
    buffer = np.empty(count + _ALIGNMENT // 4, np.float32)
    first = -buffer.ctypes.data % _ALIGNMENT // 4
    return buffer[first : first + count].reshape(shape)
