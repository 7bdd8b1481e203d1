"""How branch vectors become one."""

from __future__ import annotations

import keras

from model.spec import ConcatenateMerge


def merge(spec: ConcatenateMerge, vectors: list[keras.KerasTensor]) -> keras.KerasTensor:
    """Merges branch vectors as the spec says.

    Args:
        spec: the mode.
        vectors: float (batch, width of the branch) each, in the order of the branches.

    Returns:
        `concatenate`: float (batch, sum of the widths), the vectors side by side.
    """
    if len(vectors) == 1:
        return vectors[0]
    return keras.layers.Concatenate(name=f"merge.{spec.kind}")(vectors)
