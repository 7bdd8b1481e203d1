"""What tokenizers give: a rectangle of ids, and what each stands for."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

PADDING_ID = 0
UNSEEN_ID = 1
FIRST_WORD_ID = 2


class Tokens(NamedTuple):
    """A batch of texts cut into tokens; there is one column at least.

    Args:
        ids: int32 (batch, length): 0 is padding, 1 a token that is not in the vocabulary, from 2 on the vocabulary.
        texts: string (batch, length), what each id stands for as the user would recognise it; empty at padding.
    """

    ids: tf.Tensor
    texts: tf.Tensor

    def cut(self, max_tokens: int) -> Tokens:
        """Without what is after the first `max_tokens`."""
        return Tokens(self.ids[:, :max_tokens], self.texts[:, :max_tokens])

    def as_set(self) -> Tokens:
        """Each id once, largest first, so that neither order nor repetition matters, and the padding is at the end."""
        ids, texts = self._largest_first()
        repeated = tf.concat([tf.zeros_like(ids[:, :1], tf.bool), ids[:, 1:] == ids[:, :-1]], axis=1)
        return Tokens(tf.where(repeated, PADDING_ID, ids), tf.where(repeated, "", texts))._largest_first()

    def _largest_first(self) -> Tokens:
        order = tf.argsort(self.ids, axis=1, direction="DESCENDING", stable=True)
        return Tokens(tf.gather(self.ids, order, batch_dims=1), tf.gather(self.texts, order, batch_dims=1))


def padded(ids: tf.RaggedTensor, texts: tf.RaggedTensor) -> Tokens:
    """Rows of any length to a rectangle."""
    length = tf.maximum(ids.bounding_shape(axis=1), 1)
    shape = tf.stack([-1, length])
    return Tokens(ids.to_tensor(PADDING_ID, shape=shape), texts.to_tensor("", shape=shape))
