"""Chains of convolutions computed by native code, where it was built and the CPU can run it."""

from __future__ import annotations

import ctypes
import logging
import threading
import weakref

import numpy as np
from numpy.typing import NDArray

from model.native.library import Layer, NativeCodeError, library
from model.winograd import filters
from service.runtime.winograd.chain import Chain

logger = logging.getLogger("bifocal")


class Convolutions:
    """A chain ready to be computed; from any thread, each with buffers and helping threads of its own.

    These are made with its first call, so that they have its priority.

    Args:
        chain: what to compute. All convolutions but the first need kernels of one of `filters.SIZES`.
        threads: that share the work of one call.

    Raises:
        ValueError: if a kernel has another size, or pooling leaves nothing for a convolution to see.
    """

    def __init__(self, chain: Chain, *, threads: int) -> None:
        self._shape = chain.shape
        self._picture = (chain.height, chain.width, len(chain.scale))
        self._threads = threads
        self._arrays: list[NDArray[np.float32]] = []
        self._scale, self._shift = (self._kept(np.tile(one, chain.width)) for one in (chain.scale, chain.shift))
        self._layers = self._filled(chain)
        self._own = threading.local()

    def __call__(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the chain makes of pictures.

        Args:
            pictures: uint8 (pictures, height, width, channels), contiguous.

        Returns:
            float32 (pictures, *chain.shape).

        Raises:
            ValueError: if the pictures are not as they should be.
            MemoryError: if there is no room for the buffers, or no thread.
        """
        if pictures.shape[1:] != self._picture or pictures.dtype != np.uint8 or not pictures.flags.c_contiguous:
            taken = ", ".join(map(str, ("n", *self._picture)))
            raise ValueError(f"The chain takes contiguous uint8 ({taken}), not {pictures.dtype} {pictures.shape}.")
        height, width, channels = self._shape
        out = np.empty([len(pictures), height, width, _padded(channels)], np.float32)
        library().bifocal_chain_run(self._handle(), pictures.ctypes.data, len(pictures), out.ctypes.data)
        return out[..., :channels]

    def _handle(self) -> int:
        """The native chain of this thread."""
        if not hasattr(self._own, "buffers"):
            made = library().bifocal_chain_new(self._layers, len(self._layers), self._scale, self._shift, self._threads)
            if not made:
                raise MemoryError("There is no room for the buffers of convolutions, or no thread to be had.")
            self._own.buffers = _Buffers(made, self._arrays)
        buffers: _Buffers = self._own.buffers
        return buffers.handle

    def _filled(self, chain: Chain) -> ctypes.Array[Layer]:
        layers = []
        height, width, channels = chain.height, chain.width, len(chain.scale)
        for number, one in enumerate(chain.convolutions):
            count, given, size, _ = one.kernels.shape
            if size not in filters.SIZES and (number > 0 or size % 2 == 0):
                raise ValueError(f"Convolution {number} has kernels of {size}x{size}; expected one of {filters.SIZES}.")
            if not (height and width):
                raise ValueError(f"Nothing is left of {chain.height}x{chain.width} pixels for convolution {number}.")
            kernels = np.zeros([_padded(count), channels, size, size], np.float32)
            kernels[:count, :given] = one.kernels
            is_winograd = number > 0  # a picture has too few channels for that
            weights = filters.winograd(kernels) if is_winograd else filters.direct(kernels)
            scale, shift = (np.pad(values, [0, len(kernels) - count]) for values in (one.scale, one.shift))
            pointers = [self._kept(array) for array in (weights, scale, shift)]
            flags = (is_winograd, one.is_pooled, one.is_rectified)
            layers.append(Layer(height, width, channels, len(kernels), size, *flags, *pointers))
            channels = len(kernels)
            if one.is_pooled:
                height, width = height // 2, width // 2
        return (Layer * len(layers))(*layers)

    def _kept(self, array: NDArray[np.floating]) -> int:
        """Where an array is, which the native code only points at."""
        self._arrays.append(np.ascontiguousarray(array, np.float32))
        return self._arrays[-1].ctypes.data


class _Buffers:
    """A native chain, which is there for as long as the thread that it belongs to and the chain are.

    It does not hold on to the chain, or that would be there for as long as the thread.
    """

    def __init__(self, handle: int, arrays: list[NDArray[np.float32]]) -> None:
        self.handle = handle
        self._arrays = arrays  # that it points at
        # Not at the end of the process, when a thread may still be computing with it.
        weakref.finalize(self, library().bifocal_chain_delete, handle).atexit = False


def is_supported() -> bool:
    """Whether the native code was built, can be opened, and runs on this CPU; why it can't be used is logged."""
    try:
        library()
    except NativeCodeError as error:
        logger.log(logging.WARNING if error.is_broken else logging.INFO, "winograd-float32 is not offered: %s", error)
        return False
    return True


def _padded(channels: int) -> int:
    return -(-channels // filters.LANES) * filters.LANES
