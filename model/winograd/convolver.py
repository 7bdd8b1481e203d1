"""Convolutions of batches in training, and their gradients, by native code."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cache
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from model.native.library import Batch, library
from model.winograd.filters import LANES, SIZES, TILE

_CLEARLY = 2  # times as many products are to be spared, as the transforms take time too
_ALIGNMENT = 64  # bytes, of what TensorFlow takes over without a copy


def fits(features: Sequence[int | None], filters: int, size: int) -> bool:
    """Whether a convolution with stride 1 and as many outputs as inputs can be computed, with less work than plainly.

    Args:
        features: height, width and channels of what it takes.
        filters: that it gives.
        size: of its kernels, a side.
    """
    height, width, channels = features
    if height is None or width is None or channels is None or filters % LANES or size not in SIZES:
        return False
    if channels < LANES:  # a picture, for which every product is computed
        return True
    outputs = TILE + 1 - size  # of a tile, a side; of small pictures most of them are for nothing
    products = TILE * TILE * -(-height // outputs) * -(-width // outputs)
    return channels % LANES == 0 and _CLEARLY * products <= height * width * size * size


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
        arrays = [one for one in arguments if not isinstance(one, int)]
        if not all(one.dtype == np.float32 and one.flags.c_contiguous for one in arrays):
            raise ValueError("Convolutions are computed of contiguous arrays of float32 alone.")
        if batch.filters % LANES or (batch.channels % LANES and batch.channels > LANES) or batch.size not in SIZES:
            raise ValueError(
                f"No convolution from {batch.channels} to {batch.filters} channels with kernels of {batch.size}."
            )
        given = [one if isinstance(one, int) else one.ctypes.data for one in arguments]
        if not getattr(library(), f"bifocal_{name}")(self._handle, ctypes.byref(batch), *given):
            raise MemoryError("There is no room for the buffers of convolutions.")


def shared(threads: int) -> Convolver:
    """The one of this process with so many threads; 0 are as many as it may use CPUs."""
    with _making:
        return _made(threads or _cpus())


_making = Lock()


@cache
def _made(threads: int) -> Convolver:
    return Convolver(threads)


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _empty(shape: tuple[int, ...]) -> NDArray[np.float32]:
    count = int(np.prod(shape))
    buffer = np.empty(count + _ALIGNMENT // 4, np.float32)
    first = -buffer.ctypes.data % _ALIGNMENT // 4
    return buffer[first : first + count].reshape(shape)
