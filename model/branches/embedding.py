"""The plain word branch: one learned vector a token, pooled, then dense. For a text and for tags."""

from __future__ import annotations

from typing import Literal

import keras
import tensorflow as tf

from model.spec import EmbeddingBranch
from model.text import FIRST_WORD_ID, PADDING_ID, UNSEEN_ID


@keras.saving.register_keras_serializable("bifocal")
class TokenDropout(keras.layers.Layer):
    """Replaces a share of the tokens by the unseen one in training, so that the vector of unseen tokens is learned.

    Args:
        rate: share of the tokens.
        seed: of the draws.

    Call arguments:
        tokens: int32 (batch, length); padding stays padding.
        training: False changes nothing.
    """

    def __init__(self, rate: float, seed: int | None = None, **keywords: object) -> None:
        super().__init__(**keywords)
        self.rate = rate
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, tokens: tf.Tensor, training: bool = False) -> tf.Tensor:
        """(batch, length) -> the same shape."""
        if not training or self.rate == 0:
            return tokens
        dropped = keras.random.uniform(tf.shape(tokens), seed=self.generator) < self.rate
        return tf.where(dropped & (tokens != PADDING_ID), UNSEEN_ID, tokens)


@keras.saving.register_keras_serializable("bifocal")
class TokenPooling(keras.layers.Layer):
    """Mean or maximum of the token vectors, padding left out.

    Args:
        mode: `mean` or `max`.

    Call arguments:
        vectors: float (batch, length, dimension).
        tokens: int32 (batch, length), 0 is padding.

    Output shape:
        float (batch, dimension); zeros where an example has no token.
    """

    def __init__(self, mode: Literal["mean", "max"], **keywords: object) -> None:
        super().__init__(**keywords)
        self.mode = mode

    def call(self, vectors: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
        """(batch, length, dimension), (batch, length) -> (batch, dimension)."""
        real = (tokens != PADDING_ID)[:, :, tf.newaxis]  # (B, L, 1)
        if self.mode == "mean":
            count = tf.reduce_sum(tf.cast(real, vectors.dtype), axis=1)
            return tf.reduce_sum(tf.where(real, vectors, 0), axis=1) / tf.maximum(count, 1)
        # A column of lowest values keeps the maximum defined for a batch without a single token.
        low = tf.fill([tf.shape(vectors)[0], 1, tf.shape(vectors)[2]], vectors.dtype.min)
        highest = tf.reduce_max(tf.concat([tf.where(real, vectors, vectors.dtype.min), low], axis=1), axis=1)
        return tf.where(tf.reduce_any(real, axis=1), highest, 0)


def embedding(branch: EmbeddingBranch, vocabulary_size: int, *, name: str) -> keras.Model:
    """One vector a token, pooled over the tokens, then a dense layer.

    Args:
        branch: dimension, pooling, units and dropouts.
        vocabulary_size: tokens in the vocabulary; padding and unseen tokens come on top.
        name: of the branch.

    Returns:
        int32 (batch, length) -> float32 (batch, units).
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    kept = TokenDropout(branch.token_dropout, name="token_dropout")(tokens)
    vectors = keras.layers.Embedding(vocabulary_size + FIRST_WORD_ID, branch.dimension, name="embedding")(kept)
    vector = TokenPooling(branch.pooling, name="pooling")(vectors, tokens)
    vector = keras.layers.Dropout(branch.dropout, name="dropout")(vector)
    vector = keras.layers.Dense(branch.units, activation="relu", name="dense")(vector)
    return keras.Model(tokens, vector, name=f"{name}.branch")
