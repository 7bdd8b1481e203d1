"""From what a request carries to what the network takes: tokenizers and the presence of inputs, in the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import tensorflow as tf

from model.signature import presence_of, serving_inputs, tokens_of
from model.spec import ModelSpec
from model.text import PADDING_ID, Tokens, make_tokenizer


class Encoder(tf.Module):
    """Tensors of `serving_inputs` to tensors of `network_inputs`.

    Args:
        spec: of the classifier.
        vocabulary_files: for each branch that `model.text.needs_vocabulary`, its vocabulary, one token a line.

    Attributes:
        input_signature: what it takes, as `tf.function` wants to be told.
    """

    def __init__(self, spec: ModelSpec, vocabulary_files: Mapping[str, Path]) -> None:
        super().__init__()
        self.input_signature = {
            name: tf.TensorSpec(info.shape, info.dtype, name=name) for name, info in serving_inputs(spec).items()
        }
        self._views = [view for view in spec.views if view.branch in spec.token_branches]
        self._read = sorted({name for view in self._views for name in (view.input, presence_of(view.input))})
        self._tokenizers = {
            name: make_tokenizer(branch, spec.inputs[spec.input_of(name)], vocabulary_files.get(name))
            for name, branch in spec.token_branches.items()
        }
        # A function, since TensorFlow would save what it gives as one of the model's own if it were an attribute.
        self._tokens = cache(self._traced)

    def __call__(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Tokenizes; a text or tags input without a single token counts as absent."""
        encoded = {name: tensors[name] for name, info in self.input_signature.items() if info.dtype != tf.string}
        tokens = self.tokens(tensors)
        has_token: dict[str, tf.Tensor] = {}
        for view in self._views:
            ids = tokens[view.name].ids
            encoded[tokens_of(view.name)] = ids
            presence = presence_of(view.input)
            has_token[presence] = tf.reduce_any(ids != PADDING_ID, axis=1) | has_token.get(presence, False)
        return encoded | has_token  # one that is absent has no token

    def tokens(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, Tokens]:
        """What the branches over texts and tags read, by view; none where an input is absent."""
        return self._tokens()({name: tensors[name] for name in self._read})

    def _traced(self) -> Callable[[dict[str, tf.Tensor]], dict[str, Tokens]]:
        """Tokenizing as one graph for all graphs that have it in them, in a bundle too."""
        taken = {name: self.input_signature[name] for name in self._read}
        with tf.init_scope():
            return tf.function(self._tokenized, autograph=False).get_concrete_function(taken)

    def _tokenized(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, Tokens]:
        tokens = {}
        for view in self._views:
            # What stands in the place of an absent text must not reach the tokenizer's length.
            given = tf.where(tensors[presence_of(view.input)], tensors[view.input], "")
            tokens[view.name] = self._tokenizers[view.branch](given)
        return tokens
