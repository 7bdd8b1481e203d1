"""From what a request carries to what the network takes: tokenizers and the presence of inputs, in the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import tensorflow as tf

from model.signature import presence_of, serving_inputs, tokens_of
from model.spec import EmbeddingBranch, ModelSpec, TagsInput
from model.text import PADDING_ID, Split, Tokenizer, build_vocabulary, split_tags, split_words


class Encoder(tf.Module):
    """Tensors of `serving_inputs` to tensors of `network_inputs`.

    Args:
        spec: of the classifier.
        vocabulary_files: for each branch over text or tags, its vocabulary, one token a line.

    Attributes:
        input_signature: what it takes, as `tf.function` wants to be told.
    """

    def __init__(self, spec: ModelSpec, vocabulary_files: Mapping[str, Path]) -> None:
        super().__init__()
        self.input_signature = {
            name: tf.TensorSpec(info.shape, info.dtype, name=name) for name, info in serving_inputs(spec).items()
        }
        self._sources = {name: spec.input_of(name) for name in token_branches(spec)}
        self._tokenizers = {
            name: Tokenizer(
                _split_of(spec, name),
                vocabulary_files[name],
                max_tokens=branch.max_tokens,
                as_set=isinstance(spec.inputs[spec.input_of(name)], TagsInput),
            )
            for name, branch in token_branches(spec).items()
        }

    def __call__(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Tokenizes; a text or tags input without a single token counts as absent."""
        encoded = {name: tensor for name, tensor in tensors.items() if tensor.dtype != tf.string}
        for name, tokenizer in self._tokenizers.items():
            source = self._sources[name]
            present = tensors[presence_of(source)]
            # What stands in the place of an absent text must not reach the tokenizer's length.
            tokens = tokenizer(tf.where(present, tensors[source], ""))
            encoded[tokens_of(name)] = tokens
            encoded[presence_of(source)] = present & tf.reduce_any(tokens != PADDING_ID, axis=1)
        return encoded


def token_branches(spec: ModelSpec) -> dict[str, EmbeddingBranch]:
    """The branches that read tokens, by name."""
    return {name: branch for name, branch in spec.branches.items() if isinstance(branch, EmbeddingBranch)}


def learn_vocabulary(spec: ModelSpec, branch_name: str, texts: Iterable[Sequence[str]]) -> list[str]:
    """The vocabulary of a branch from batches of texts of its input; see `model.text.build_vocabulary`."""
    branch = token_branches(spec)[branch_name]
    return build_vocabulary(
        texts, _split_of(spec, branch_name), size=branch.vocabulary_size, min_count=branch.min_count
    )


def _split_of(spec: ModelSpec, branch_name: str) -> Split:
    source = spec.inputs[spec.input_of(branch_name)]
    return partial(split_tags, delimiter=source.delimiter) if isinstance(source, TagsInput) else split_words
