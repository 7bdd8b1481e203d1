"""Rows by the values of a column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.manifests.table import Encoded

# Values with a slice of their own; all others are one slice together.
MOST = 20
EMPTY = "(empty)"


def parts_of(column: Encoded) -> dict[str, NDArray[np.bool_]]:
    """The rows of each value, bool (rows,), the commonest first; those of the rarest together if there are many.

    Args:
        column: of the rows; values that none of them has are left out.
    """
    counts = np.bincount(column.codes, minlength=len(column.values))
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda code: (-counts[code], column.values[code]))
    own = order[:MOST]
    parts = {column.values[code] or EMPTY: column.codes == code for code in own}
    if len(own) < len(order):
        parts[f"({len(order) - len(own)} other values)"] = ~np.isin(column.codes, own)
    return parts
