"""Rows by the values of a column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Values with a slice of their own; all others are one slice together.
MOST = 20
EMPTY = "(empty)"


def parts_of(values: NDArray[np.str_]) -> dict[str, NDArray[np.bool_]]:
    """The rows of each value, bool (rows,), the commonest first; those of the rarest together if there are many.

    Args:
        values: (rows,) of str.
    """
    names, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    own = order if len(order) <= MOST else order[:MOST]
    parts = {str(names[number]) or EMPTY: codes.reshape(-1) == number for number in own}
    if len(own) < len(order):
        parts[f"({len(order) - len(own)} other values)"] = ~np.isin(codes.reshape(-1), own)
    return parts
