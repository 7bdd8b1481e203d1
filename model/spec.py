"""What a classifier is: its inputs, branches, merge and heads. Plain frozen data, without TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Collection
from keyword import iskeyword
from typing import Annotated, Literal, Self
from unicodedata import normalize

from pydantic import AfterValidator, Field, PositiveInt, field_validator, model_validator

from model.images import Fit
from model.validation import Part, nearest


def _checked_name(name: str) -> str:
    # Inputs and heads become parameters and keys of a TensorFlow signature, which is a Python function.
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,59}", name) or iskeyword(name) or name == "self":
        raise ValueError(
            f"{name!r} can't be a name; expected a lower case letter, then lower case letters, digits and "
            "underscores, 60 at most, and no word that Python keeps for itself."
        )
    return name


Name = Annotated[str, AfterValidator(_checked_name)]
Rate = Annotated[float, Field(ge=0, lt=1)]


class ImageInput(Part):
    """A picture, decoded to uint8 (height, width, 3).

    Args:
        height: rows in pixels.
        width: columns in pixels.
        fit: how a picture of another shape is brought to that size; see `model.images.decode`.
    """

    kind: Literal["image"] = "image"
    height: int = Field(64, ge=8, le=1024)
    width: int = Field(64, ge=8, le=1024)
    fit: Fit = "letterbox"


class TextInput(Part):
    """A text in any language. A blank text counts as absent."""

    kind: Literal["text"] = "text"


class TagsInput(Part):
    """A set of tags in one string; order, case and repetition do not matter.

    Args:
        delimiter: what stands between two tags.
    """

    kind: Literal["tags"] = "tags"
    delimiter: str = Field(",", min_length=1, max_length=1)

    @field_validator("delimiter")
    @classmethod
    def _separates(cls, delimiter: str) -> str:
        # Texts are normalized and folded before they are split, and blanks within a tag are kept.
        if delimiter.isalnum() or delimiter.isspace() or normalize("NFKC", delimiter) != delimiter:
            raise ValueError(f"{delimiter!r} can't separate tags; expected ',', ';', '|' or the like.")
        return delimiter


Input = Annotated[ImageInput | TextInput | TagsInput, Field(discriminator="kind")]


class ConvBranch(Part):
    """The plain stack of an image: convolution, pool, convolution, pool, ..., dense.

    Args:
        input: name of the image input it reads; the branch's own name if not given.
        filters: channels of each convolution; one stage each.
        kernel_size: side of the kernels in pixels.
        pool: side of the max pool after each convolution; the picture shrinks by it at every stage.
        normalization: `batch` puts batch normalization after each pool, `none` leaves it out.
        units: width of the vector it gives.
        dropout: share of the pooled features dropped in training.
    """

    kind: Literal["conv"] = "conv"
    input: Name | None = None
    filters: tuple[PositiveInt, ...] = Field((24, 48, 96, 128), min_length=1)
    kernel_size: PositiveInt = 3
    pool: PositiveInt = 2
    normalization: Literal["batch", "none"] = "batch"
    units: PositiveInt = 96
    dropout: Rate = 0.2


class EmbeddingBranch(Part):
    """One vector a token, learned, pooled over the tokens, then dense. For a text and for tags.

    Args:
        input: name of the text or tags input it reads; the branch's own name if not given.
        vocabulary_size: how many tokens are told apart at most; all others share one vector.
        min_count: a token seen less often than this in the training split is not told apart.
        max_tokens: tokens after this many are not read.
        dimension: width of a token's vector.
        pooling: `mean` or `max` over the tokens.
        units: width of the vector it gives.
        dropout: share of the pooled features dropped in training.
        token_dropout: share of the tokens replaced in training by the vector of unseen tokens, so that it is
            learned too.
    """

    kind: Literal["embedding"] = "embedding"
    input: Name | None = None
    vocabulary_size: PositiveInt = 20_000
    min_count: PositiveInt = 1
    max_tokens: PositiveInt = 64
    dimension: PositiveInt = 96
    pooling: Literal["mean", "max"] = "mean"
    units: PositiveInt = 96
    dropout: Rate = 0.2
    token_dropout: Rate = 0.1


Branch = Annotated[ConvBranch | EmbeddingBranch, Field(discriminator="kind")]


class ConcatenateMerge(Part):
    """The branch vectors side by side, in the order of the branches."""

    kind: Literal["concatenate"] = "concatenate"


class Trunk(Part):
    """Dense layers between the merge and the heads.

    Args:
        units: width of each layer; empty for none.
        dropout: share of the merged features dropped in training, before the first layer.
    """

    units: tuple[PositiveInt, ...] = (96,)
    dropout: Rate = 0.3


class SingleLabelHead(Part):
    """Exactly one label an example: softmax over the labels.

    Args:
        labels: the classes, in the order of the probabilities; if empty, training reads them from the data.
    """

    kind: Literal["single_label"] = "single_label"
    labels: tuple[str, ...] = ()

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(labels) == 1:
            raise ValueError(f"1 label; expected at least 2. Received: {list(labels)}.")
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"labels must differ; given more than once: {', '.join(twice)}.")
        return labels


class ModelSpec(Part):
    """A whole classifier.

    Args:
        inputs: what a request carries, by name.
        branches: the layers that turn an input into a vector, by name. A branch named as an input reads that one.
        merge: how the branch vectors become one.
        trunk: the dense layers behind the merge, shared by all heads.
        heads: the prediction tasks, by name.
    """

    inputs: dict[Name, Input] = Field(min_length=1)
    branches: dict[Name, Branch] = Field(min_length=1)
    merge: ConcatenateMerge = ConcatenateMerge()
    trunk: Trunk = Trunk()
    heads: dict[Name, SingleLabelHead] = Field(min_length=1)

    def input_of(self, branch: str) -> str:
        """Name of the input that a branch reads."""
        return self.branches[branch].input or branch

    def with_labels(self, labels: dict[str, tuple[str, ...]]) -> ModelSpec:
        """The same spec with the labels of its heads filled in."""
        data = self.model_dump()
        for head, names in labels.items():
            data["heads"][head]["labels"] = names
        return ModelSpec.parse(data, what="spec")

    def only(self, inputs: Collection[str]) -> ModelSpec:
        """The same spec with some of its inputs and the branches that read them."""
        branches = {name: branch for name, branch in self.branches.items() if self.input_of(name) in inputs}
        kept = {name: given for name, given in self.inputs.items() if name in inputs}
        return self.model_copy(update={"inputs": kept, "branches": branches})

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for name in self.inputs:
            if name.endswith("_present"):
                raise ValueError(f"inputs.{name}: names ending in '_present' are kept for the presence of an input.")
        for name, branch in self.branches.items():
            self._check_branch(name, branch)
        fed = {self.input_of(name) for name in self.branches}
        for name in self.inputs:
            if name not in fed:
                raise ValueError(f"inputs.{name}: no branch reads it. Add a branch with 'input: {name}', or drop it.")
        return self

    def _check_branch(self, name: str, branch: ConvBranch | EmbeddingBranch) -> None:
        source = self.input_of(name)
        if source not in self.inputs:
            raise ValueError(f"branches.{name}.input: no input {source!r}{nearest(source, self.inputs)}")
        given = self.inputs[source]
        if isinstance(branch, EmbeddingBranch):
            if isinstance(given, ImageInput):
                raise ValueError(f"branches.{name}: an embedding reads text or tags, but {source!r} is an image.")
            return
        if not isinstance(given, ImageInput):
            raise ValueError(f"branches.{name}: a conv branch reads an image, but {source!r} is {given.kind}.")
        side, shrink = min(given.height, given.width), branch.pool ** len(branch.filters)
        if side < shrink:
            raise ValueError(
                f"branches.{name}.filters: {len(branch.filters)} stages with pool {branch.pool} shrink a picture "
                f"{shrink} times, but {source!r} has only {side} pixels. Use fewer filters or a larger picture."
            )
