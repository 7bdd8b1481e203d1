"""The beginning of every token branch: a learned vector for each token."""

from __future__ import annotations

import keras
import tensorflow as tf

from model.spec import TokenBranch
from model.text import PADDING_ID, UNSEEN_ID


@keras.saving.register_keras_serializable("bifocal")
class TokenDropout(keras.layers.Layer):
    """Replaces a share of the tokens by the unseen one in training, so that the vector of unseen tokens is learned.

    Args:
        rate: share of the tokens.
        seed: of the draws.

    Call arguments:
        tokens: int32 (batch, length); padding stays padding.
        training: False changes nothing.

    Output shape:
        that of `tokens`.
    """

    def __init__(self, rate: float, seed: int | None = None, **keywords: object) -> None:
        super().__init__(**keywords)
        self.rate = rate
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, tokens: tf.Tensor, training: bool = False) -> tf.Tensor:
        """(batch, length) -> the same shape."""
        if not training or self.rate == 0:
            return tokens
        dropped = keras.random.uniform(tf.shape(tokens), seed=self.generator) < self.rate
        return tf.where(dropped & (tokens != PADDING_ID), UNSEEN_ID, tokens)

    def compute_output_shape(self, tokens_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of `tokens`."""
        return tokens_shape

    def get_config(self) -> dict[str, object]:
        """The arguments it was made with."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


def lookup(branch: TokenBranch, num_ids: int, *, name: str) -> keras.Model:
    """The table of the vectors, apart from the layers behind it, so that explanations can enter between them.

    Args:
        branch: dimension and token dropout.
        num_ids: rows of the table, `model.text.num_ids`.
        name: of the branch.

    Returns:
        A model from int32 (batch, length) to float32 (batch, length, dimension).
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    kept = TokenDropout(branch.token_dropout, name="token_dropout")(tokens)
    vectors = keras.layers.Embedding(num_ids, branch.dimension, name="embedding")(kept)
    return keras.Model(tokens, vectors, name=f"{name}.lookup")
