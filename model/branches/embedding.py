"""The plain branch of a text, and that of tags: one learned vector a token, pooled, then dense."""

from __future__ import annotations

import keras

from model.branches.pooling import pool, token_inputs, vector_of, without_padding
from model.spec import EmbeddingBranch, TagsBranch


def embedding(branch: EmbeddingBranch | TagsBranch, *, name: str) -> keras.Model:
    """Token vectors pooled over the tokens, then a dense layer; of tags, an embedding bag.

    Args:
        branch: dimension, pooling, units, activation and dropout.
        name: of the branch.

    Returns:
        A model from a dict `embedded` float32 (batch, length, dimension), `tokens` int32 (batch, length) to a dict
        `states` float32 (batch, length, dimension), zeros at padding, and `vector` float32 (batch, units).
    """
    inputs = token_inputs(branch)
    states = without_padding(inputs["embedded"], inputs["tokens"])
    vector = vector_of(branch, pool(branch.pooling, states, inputs["tokens"]))
    return keras.Model(inputs, {"states": states, "vector": vector}, name=f"{name}.branch")
