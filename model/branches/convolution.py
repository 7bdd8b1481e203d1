"""The convolutional text branch."""

from __future__ import annotations

import keras

from model.branches.pooling import pool, token_inputs, vector_of, without_padding
from model.spec import ConvolutionBranch


def convolution(branch: ConvolutionBranch, *, name: str) -> keras.Model:
    """Convolutions of several widths over the tokens, the maximum of each filter, then dense (Kim 2014,
    arXiv:1408.5882).

    Kim's filters stay within the sentence; these also see its edges, with zeros beyond, so that each token has a state
    and a text may be shorter than a filter.

    Args:
        branch: filters, kernel sizes, units, activation and dropout.
        name: of the branch.

    Returns:
        A model from a dict `embedded` float32 (batch, length, dimension), `tokens` int32 (batch, length) to a dict
        `states` float32 (batch, length, filters of all sizes), zeros at padding, and `vector` float32 (batch, units).
    """
    inputs = token_inputs(branch)
    # The vector of padding must not be seen from the last tokens: alone, a text has zeros there.
    embedded = without_padding(inputs["embedded"], inputs["tokens"])
    found = [
        keras.layers.Conv1D(branch.filters, size, padding="same", activation="relu", name=f"convolution_{size}")(
            embedded
        )
        for size in branch.kernel_sizes
    ]
    together = found[0] if len(found) == 1 else keras.layers.Concatenate(name="sizes")(found)
    states = without_padding(together, inputs["tokens"])
    vector = vector_of(branch, pool("max", states, inputs["tokens"]))
    return keras.Model(inputs, {"states": states, "vector": vector}, name=f"{name}.branch")
