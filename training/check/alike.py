"""Whether two pictures whose hashes are near are the same picture, saved twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.pipeline import Column

SIDE = 16
# Saved anew as JPEG (quality 50 and up) or WebP, at half to twice the size, 400 pictures of the demo set and OpenMoji
# differed from themselves by at most 5.3 grey levels on average, 54 at one place and 0.21 of their contrast (root mean
# square). OpenMoji's clock faces, which differ in a hand, differ by 0.22 to 0.40 of it.
MEAN, MOST, OF_CONTRAST = 7.0, 64.0, 0.21
LEAST_CONTRAST = 4.0  # grey levels; a plainer picture looks like any other
AT_A_TIME = 1024


def alike(pictures: Column, first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Compares pairs of pictures, made small.

    Each picture is read once. Those of `first` are held, 768 bytes each.

    Args:
        pictures: of the whole manifest.
        first, second: intp (pairs,), positions.

    Returns:
        Bool (pairs,). A picture of one colour is like no other.
    """
    found = np.zeros(len(first), bool)
    asked, of_asked = np.unique(first, return_inverse=True)
    held = np.empty((len(asked), SIDE, SIDE, 3), np.uint8)
    for start in range(0, len(asked), AT_A_TIME):
        held[start : start + AT_A_TIME] = _small(pictures, asked[start : start + AT_A_TIME])
    order = np.argsort(second, kind="stable")
    others, begins = np.unique(second[order], return_index=True)
    ends = np.append(begins[1:], len(order))
    for start in range(0, len(others), AT_A_TIME):
        some = others[start : start + AT_A_TIME]
        small = _small(pictures, some)
        pairs = order[begins[start] : ends[start + len(some) - 1]]
        for part in np.array_split(pairs, max(1, len(pairs) // AT_A_TIME)):
            found[part] = _are_alike(held[of_asked[part]], small[np.searchsorted(some, second[part])])
    return found


def _are_alike(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Bool (pairs,) for uint8 (pairs, SIDE, SIDE, 3)."""
    difference = np.abs(left.astype(np.float32) - right)
    mean, most = difference.mean(axis=(1, 2, 3)), difference.max(axis=(1, 2, 3))
    root_mean_square = np.sqrt(np.square(difference).mean(axis=(1, 2, 3)))
    contrast = np.minimum(left.std(axis=(1, 2)).mean(axis=1), right.std(axis=(1, 2)).mean(axis=1))
    same = (mean <= MEAN) & (most <= MOST) & (root_mean_square <= OF_CONTRAST * contrast)
    return np.asarray(same & (contrast >= LEAST_CONTRAST))


def _small(pictures: Column, positions: NDArray[np.intp]) -> NDArray[np.uint8]:
    """uint8 (positions, SIDE, SIDE, 3)."""
    return np.stack(
        [
            np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX))
            for pixels in pictures.take(positions)
        ]
    )
