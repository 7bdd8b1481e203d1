"""Convolutions of batches and their gradients by native code: the same as computed plainly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from model.winograd.convolver import Convolver, fits, shared
from tests.native import needs_native

pytestmark = needs_native

Array = NDArray[np.float32]
# Pictures, height, width, channels, filters, size of the kernels.
SHAPES = [
    (2, 16, 16, 8, 16, 5),
    (3, 13, 9, 8, 8, 5),
    (1, 3, 2, 16, 24, 5),
    (2, 17, 16, 24, 48, 3),
    (2, 8, 8, 56, 40, 3),
    (2, 11, 10, 16, 8, 7),
    (1, 1, 1, 8, 8, 3),
    (40, 16, 16, 8, 8, 3),  # more tiles than are computed at once
    (3, 9, 7, 3, 24, 5),
    (2, 8, 8, 3, 8, 3),
    (2, 5, 6, 1, 56, 7),
]


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def windows(features: Array, size: int) -> NDArray[np.float64]:
    """(pictures, height, width, channels, size, size)."""
    border = [size // 2] * 2
    padded = np.pad(features.astype(np.float64), [[0, 0], border, border, [0, 0]])
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))


def convolved(features: Array, kernels: Array) -> NDArray[np.float64]:
    return np.einsum("nyxcab,abcf->nyxf", windows(features, len(kernels)), kernels.astype(np.float64), optimize=True)


def kernel_gradient(features: Array, gradient: Array, size: int) -> NDArray[np.float64]:
    return np.einsum("nyxcab,nyxf->abcf", windows(features, size), gradient.astype(np.float64), optimize=True)


def error(found: Array, right: NDArray[np.float64]) -> float:
    assert found.shape == right.shape
    return float(np.abs(found - right).max() / np.abs(right).max())


@pytest.fixture(scope="module")
def convolver() -> Convolver:
    return Convolver(2)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_convolution(convolver: Convolver, shape: tuple[int, ...]) -> None:
    *of, channels, filters, size = shape
    features, kernels = drawn(*of, channels), drawn(size, size, channels, filters)

    assert error(convolver.convolve(features, kernels), convolved(features, kernels)) < 3e-5


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[3] % 8 == 0])
def test_the_gradient_of_its_input(convolver: Convolver, shape: tuple[int, ...]) -> None:
    *of, channels, filters, size = shape
    gradient, kernels = drawn(*of, filters), drawn(size, size, channels, filters)
    turned = kernels[::-1, ::-1].transpose(0, 1, 3, 2)

    found = convolver.convolve(gradient, kernels, transposed=True)
    assert error(found, convolved(gradient, turned)) < 3e-5


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_of_its_kernels(convolver: Convolver, shape: tuple[int, ...]) -> None:
    *of, channels, filters, size = shape
    features, gradient = drawn(*of, channels), drawn(*of, filters, seed=1)

    found = convolver.kernel_gradient(features, gradient, size)
    assert error(found, kernel_gradient(features, gradient, size)) < 3e-5


@pytest.mark.parametrize("channels", [3, 24])
def test_the_number_of_threads_changes_no_bit(channels: int) -> None:
    features, gradient = drawn(70, 12, 10, channels), drawn(70, 12, 10, 16)  # 630 tiles: several blocks
    kernels = drawn(5, 5, channels, 16)
    one, many = Convolver(1), Convolver(5)

    np.testing.assert_array_equal(one.convolve(features, kernels), many.convolve(features, kernels))
    np.testing.assert_array_equal(
        one.kernel_gradient(features, gradient, 5), many.kernel_gradient(features, gradient, 5)
    )


@pytest.mark.parametrize("channels", [3, 8])
def test_no_pictures_have_no_gradient(convolver: Convolver, channels: int) -> None:
    none = np.empty([0, 6, 6, channels], np.float32)

    assert convolver.convolve(none, drawn(3, 3, channels, 8)).shape == (0, 6, 6, 8)
    gradient = convolver.kernel_gradient(none, np.empty([0, 6, 6, 8], np.float32), 3)
    np.testing.assert_array_equal(gradient, np.zeros([3, 3, channels, 8]))


def test_what_it_gives_can_be_taken_over_without_a_copy(convolver: Convolver) -> None:
    found = convolver.convolve(drawn(1, 6, 6, 8), drawn(3, 3, 8, 8))
    assert found.flags.c_contiguous
    assert found.ctypes.data % 64 == 0


def test_from_many_threads_at_once(convolver: Convolver) -> None:
    shapes = [(n, 4 * n, 9, 8) for n in range(1, 5)]
    kernels = drawn(3, 3, 8, 8)
    right = [convolver.convolve(drawn(*shape), kernels) for shape in shapes]

    with ThreadPoolExecutor(4) as pool:
        for number, found in enumerate(pool.map(lambda shape: convolver.convolve(drawn(*shape), kernels), shapes * 20)):
            np.testing.assert_array_equal(found, right[number % 4])


@pytest.mark.parametrize(
    ("features", "filters", "size", "expected"),
    [
        ((64, 64, 3), 24, 5, True),
        ((16, 12, 24), 48, 3, True),
        ((8, 8, 8), 8, 7, True),
        ((4, 4, 8), 8, 3, True),
        ((16, 16, 12), 24, 3, False),
        ((16, 16, 8), 12, 3, False),
        ((16, 16, 8), 8, 1, False),
        ((None, None, 8), 8, 3, False),
        ((2, 2, 8), 8, 3, False),  # a tile of 64 products in place of 36
        ((7, 7, 8), 8, 3, False),  # four tiles, three of which are nearly empty
    ],
)
def test_which_convolutions_it_can_compute_with_less_work(
    features: tuple[int | None, ...], filters: int, size: int, expected: bool
) -> None:
    assert fits(features, filters, size) == expected


def test_arrays_that_it_can_not_compute_with_are_refused(convolver: Convolver) -> None:
    features, kernels = drawn(1, 8, 8, 8), drawn(3, 3, 8, 8)
    for wrong in (features.astype(np.float64), features[..., ::-1]):
        with pytest.raises(ValueError, match="contiguous arrays of float32 alone"):
            convolver.convolve(wrong, kernels)
    with pytest.raises(ValueError, match="No convolution from 8 to 12 channels with kernels of 3"):
        convolver.convolve(features, drawn(3, 3, 8, 12))
    with pytest.raises(ValueError, match="No convolution from 8 to 3 channels"):
        convolver.convolve(features, drawn(3, 3, 3, 8), transposed=True)


def test_there_is_one_for_a_process_though_many_threads_ask_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: shared(3), range(64)))) == 1
