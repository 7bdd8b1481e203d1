"""The transformer text branch."""

from __future__ import annotations

import keras
import tensorflow as tf

from model.branches.pooling import is_real, pool, token_inputs, vector_of, without_padding
from model.spec import TransformerBranch

# Vectors start small: with Keras's 1e-3 the first normalization would leave them a fraction of their size.
EPSILON = 1e-6


@keras.saving.register_keras_serializable("bifocal")
class Positions(keras.layers.Layer):
    """Adds a learned vector for each place in the text.

    Args:
        max_tokens: how many places there are.

    Call arguments:
        embedded: float (batch, length, dimension), length at most `max_tokens`.

    Output shape:
        that of `embedded`.
    """

    def __init__(self, max_tokens: int, **keywords: object) -> None:
        super().__init__(**keywords)
        self.max_tokens = max_tokens

    def build(self, embedded_shape: tuple[int | None, ...]) -> None:
        """Creates the vectors: float (max_tokens, dimension)."""
        # As large as those of the tokens in the beginning.
        self.positions = self.add_weight(
            name="positions", shape=(self.max_tokens, embedded_shape[-1]), initializer="uniform"
        )

    def call(self, embedded: tf.Tensor) -> tf.Tensor:
        """(batch, length, dimension) -> the same shape."""
        return embedded + tf.convert_to_tensor(self.positions)[: tf.shape(embedded)[1]]

    def compute_output_shape(self, embedded_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of `embedded`."""
        return embedded_shape

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {**super().get_config(), "max_tokens": self.max_tokens}


def transformer(branch: TransformerBranch, *, name: str) -> keras.Model:
    """A transformer encoder over the tokens, pooled and dense.

    Each block is h + attention(norm(h)), then h + feed-forward(norm(h)) (Vaswani 2017, arXiv:1706.03762, with the norm
    first as in Xiong 2020, arXiv:2002.04745), and behind the last there is one more norm.

    Args:
        branch: blocks, attention heads, feed-forward width, pooling, units, activation and dropout.
        name: of the branch.

    Returns:
        A model from a dict `embedded` float32 (batch, length, dimension), `tokens` int32 (batch, length) to a dict
        `states` float32 (batch, length, dimension), zeros at padding, and `vector` float32 (batch, units). Length is
        at most the tokenizer's `max_tokens`.
    """
    inputs = token_inputs(branch)
    real = keras.ops.expand_dims(is_real(inputs["tokens"]), 1)  # (B, 1, L), from every token to the real ones
    states = Positions(branch.tokenizer.max_tokens, name="positions")(inputs["embedded"])
    for block in range(1, branch.blocks + 1):
        normal = _norm(f"attention_norm_{block}")(states)
        attention = keras.layers.MultiHeadAttention(
            branch.attention_heads,
            branch.dimension // branch.attention_heads,
            use_bias=False,  # that of the keys would cancel in the softmax, and the norms have one already
            name=f"attention_{block}",
        )
        states = keras.layers.Add(name=f"attention_sum_{block}")(
            [states, attention(normal, normal, attention_mask=real)]
        )
        hidden = _norm(f"feed_forward_norm_{block}")(states)
        hidden = keras.layers.Dense(branch.feed_forward, activation="relu", name=f"feed_forward_{block}")(hidden)
        hidden = keras.layers.Dense(branch.dimension, name=f"feed_forward_out_{block}")(hidden)
        states = keras.layers.Add(name=f"feed_forward_sum_{block}")([states, hidden])
    states = without_padding(_norm("norm")(states), inputs["tokens"])
    vector = vector_of(branch, pool(branch.pooling, states, inputs["tokens"]))
    return keras.Model(inputs, {"states": states, "vector": vector}, name=f"{name}.branch")


def _norm(name: str) -> keras.layers.LayerNormalization:
    return keras.layers.LayerNormalization(epsilon=EPSILON, name=name)
