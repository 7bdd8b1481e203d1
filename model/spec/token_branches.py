"""The layers that turn a text or tags into a vector."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import PositiveInt, model_validator

from model.spec.names import Activation, Name, Rate, Sizes
from model.spec.tokenizers import Tokenizer, WordsTokenizer
from model.validation import Part


class _TokenBranch(Part):
    """What all branches over tokens have.

    Args:
        input: name of the text or tags input it reads; the branch's own name if not given.
        dimension: width of a token's vector.
        units: width of the vector the branch gives.
        activation: of the dense layer that gives it.
        dropout: share of the pooled features dropped in training.
        token_dropout: share of the tokens replaced in training by the vector of unseen tokens, so that it is
            learned too.
    """

    input: Name | None = None
    dimension: PositiveInt = 96
    units: PositiveInt = 96
    activation: Activation = "relu"
    dropout: Rate = 0.2
    token_dropout: Rate = 0.1


class _TextBranch(_TokenBranch):
    """What all text branches have.

    Args:
        tokenizer: how the text is cut.
        vectors: a file of word vectors in GloVe's or fastText's text format that the words known to it start from; as
            wide as `dimension`.
    """

    tokenizer: Tokenizer = WordsTokenizer()
    vectors: Path | None = None

    @model_validator(mode="after")
    def _has_words_for_its_vectors(self) -> Self:
        if self.vectors is not None and not isinstance(self.tokenizer, WordsTokenizer):
            raise ValueError(f"vectors are of words; they need tokenizer 'words', not {self.tokenizer.kind!r}.")
        return self


class EmbeddingBranch(_TextBranch):
    """One vector a token, learned, pooled over the tokens, then dense.

    Args:
        pooling: over the tokens: `mean`, `max`, or `attention`, a mean with learned weights.
    """

    kind: Literal["embedding"] = "embedding"
    pooling: Literal["mean", "max", "attention"] = "mean"


class ConvolutionBranch(_TextBranch):
    """Convolutions of several widths over the tokens, each filter's maximum, then dense (Kim 2014, arXiv:1408.5882).

    Args:
        filters: of each width.
        kernel_sizes: widths in tokens.
    """

    kind: Literal["convolution"] = "convolution"
    filters: PositiveInt = 64
    kernel_sizes: Sizes = (2, 3, 4)


class RecurrentBranch(_TextBranch):
    """A recurrent layer over the tokens, then dense.

    Args:
        cell: `gru` (Cho 2014, arXiv:1406.1078) or `lstm` (Hochreiter and Schmidhuber 1997).
        hidden: width of its state, in each direction.
        bidirectional: also read from the last token to the first.
        pooling: `last` takes the state after the last token read, `mean`, `max` and `attention` pool over all states.
    """

    kind: Literal["recurrent"] = "recurrent"
    cell: Literal["gru", "lstm"] = "gru"
    hidden: PositiveInt = 64
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max", "attention"] = "last"


class TransformerBranch(_TextBranch):
    """A small transformer encoder, normalization first (Vaswani 2017, arXiv:1706.03762; Xiong 2020, arXiv:2002.04745).

    Args:
        blocks: attention and feed-forward, one after another.
        attention_heads: of each block; `dimension` is divided among them.
        feed_forward: width of the hidden layer of each block.
        pooling: over the tokens.
    """

    kind: Literal["transformer"] = "transformer"
    blocks: PositiveInt = 2
    attention_heads: PositiveInt = 4
    feed_forward: PositiveInt = 192
    pooling: Literal["mean", "max", "attention"] = "mean"

    @model_validator(mode="after")
    def _divides_among_the_heads(self) -> Self:
        if self.dimension % self.attention_heads:
            raise ValueError(
                f"dimension {self.dimension} can't be divided among {self.attention_heads} attention_heads evenly."
            )
        return self


class TagsBranch(_TokenBranch):
    """An embedding bag: one learned vector a tag, pooled, then dense. Unseen tags share one vector.

    Args:
        vocabulary_size: how many tags are told apart at most.
        min_count: a tag seen less often than this in the training split is not told apart.
        max_tokens: tags after this many are not read.
        pooling: over the tags; `sum` tells many from few.
    """

    kind: Literal["tags"] = "tags"
    vocabulary_size: PositiveInt = 20_000
    min_count: PositiveInt = 1
    max_tokens: PositiveInt = 64
    pooling: Literal["mean", "sum", "max"] = "mean"


TextBranch = EmbeddingBranch | ConvolutionBranch | RecurrentBranch | TransformerBranch
TokenBranch = TextBranch | TagsBranch
