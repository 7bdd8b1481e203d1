"""Chains of convolutions with weights as they were drawn, and what they make of pictures, computed plainly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.runtime.winograd.chain import Chain, Convolution


def convolution(filters: int, channels: int, size: int, *, seed: int = 0) -> Convolution:
    """A convolution whose outputs are about as large as its inputs."""
    random = np.random.default_rng([seed, filters, channels, size])
    kernels = random.normal(size=(filters, channels, size, size)) / np.sqrt(channels * size * size)
    scale, shift = random.normal(size=(2, filters))
    return Convolution(kernels.astype(np.float32), scale.astype(np.float32), shift.astype(np.float32))


def chain(
    height: int, width: int, *layers: tuple[int, int], channels: int = 3, is_pooled: bool = False, seed: int = 0
) -> Chain:
    """A chain of convolutions, each of so many filters and such a size, all but the last one rectified."""
    convolutions = []
    seen = channels
    for number, (filters, size) in enumerate(layers, 1):
        one = convolution(filters, seen, size, seed=seed)
        convolutions.append(replace(one, is_pooled=is_pooled, is_rectified=number < len(layers)))
        seen = filters
    scale, shift = np.linspace(0.005, 0.01, channels), np.linspace(-1, 0, channels)
    return Chain(height, width, scale.astype(np.float32), shift.astype(np.float32), tuple(convolutions))


def pictures(count: int, of: Chain) -> NDArray[np.uint8]:
    shape = (count, of.height, of.width, len(of.scale))
    return np.random.default_rng(count).integers(0, 256, shape, dtype=np.uint8)


def expected(of: Chain, given: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Every product, in float64."""
    values = given * of.scale.astype(np.float64) + of.shift
    for one in of.convolutions:
        size = one.kernels.shape[-1]
        border = [size // 2] * 2
        padded = np.pad(values, [[0, 0], border, border, [0, 0]])
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))
        values = np.einsum("nyxcab,fcab->nyxf", windows, one.kernels.astype(np.float64), optimize=True)
        if one.is_pooled:
            height, width = values.shape[1] // 2, values.shape[2] // 2
            blocks = values[:, : 2 * height, : 2 * width].reshape(len(values), height, 2, width, 2, -1)
            values = blocks.max(axis=(2, 4))
        values = values * one.scale + one.shift
        if one.is_rectified:
            values = np.maximum(values, 0)
    return values
