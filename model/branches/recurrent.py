"""The recurrent text branch."""

from __future__ import annotations

import keras

from model.branches.pooling import is_real, pool, token_inputs, vector_of, without_padding
from model.spec import RecurrentBranch

_CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def recurrent(branch: RecurrentBranch, *, name: str) -> keras.Model:
    """A GRU or LSTM over the tokens, in one direction or both, then pooled and dense.

    Args:
        branch: cell, hidden, bidirectional, pooling, units, activation and dropout.
        name: of the branch.

    Returns:
        A model from a dict `embedded` float32 (batch, length, dimension), `tokens` int32 (batch, length) to a dict
        `states` float32 (batch, length, hidden in each direction), zeros at padding, and `vector` float32
        (batch, units).
    """
    inputs = token_inputs(branch)
    layer = _CELLS[branch.cell](
        branch.hidden,
        return_sequences=True,
        return_state=True,
        # cuDNN's kernel would be exported with the graph, which then runs on no machine without a GPU; and it refuses
        # a text without a token.
        use_cudnn=False,
        name=branch.cell,
    )
    if branch.bidirectional:
        layer = keras.layers.Bidirectional(layer, name="both_directions")
    read, *last = layer(inputs["embedded"], mask=is_real(inputs["tokens"]))
    states = without_padding(read, inputs["tokens"])
    if branch.pooling == "last":
        # An LSTM gives what it says and what it remembers; only the former counts. Backwards, the first token is last.
        said = last[:: 2 if branch.cell == "lstm" else 1]
        pooled = said[0] if len(said) == 1 else keras.layers.Concatenate(name="last")(said)
    else:
        pooled = pool(branch.pooling, states, inputs["tokens"])
    return keras.Model(inputs, {"states": states, "vector": vector_of(branch, pooled)}, name=f"{name}.branch")
