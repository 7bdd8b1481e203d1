"""A whole classifier: its inputs, branches, merge, trunk and heads, and that they fit together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, PositiveInt, model_validator

from model.spec import checks
from model.spec.heads import Head
from model.spec.image_branches import ConvBranch, ImageBranch, InceptionBranch, PretrainedBranch, ResidualBranch
from model.spec.inputs import Input
from model.spec.merges import ConcatenateMerge, FilmMerge, Merge
from model.spec.names import Activation, Name, Rate
from model.spec.token_branches import (
    ConvolutionBranch,
    EmbeddingBranch,
    RecurrentBranch,
    TagsBranch,
    TokenBranch,
    TransformerBranch,
)
from model.validation import Part

Branch = Annotated[
    ConvBranch
    | InceptionBranch
    | ResidualBranch
    | PretrainedBranch
    | EmbeddingBranch
    | ConvolutionBranch
    | RecurrentBranch
    | TransformerBranch
    | TagsBranch,
    Field(discriminator="kind"),
]


@dataclass(frozen=True)
class View:
    """A branch applied to one of the inputs that it reads.

    Args:
        branch: its name.
        input: name of the input.
        name: the branch's name over its own input, `branch.input` over one that shares it.
    """

    branch: str
    input: str
    name: str


class Trunk(Part):
    """Dense layers between the merge and the heads.

    Args:
        units: width of each layer; empty for none.
        activation: of each layer.
        dropout: share of the merged features dropped in training, before the first layer.
    """

    units: tuple[PositiveInt, ...] = (96,)
    activation: Activation = "relu"
    dropout: Rate = 0.3


class ModelSpec(Part):
    """A whole classifier.

    Args:
        inputs: what a request carries, by name.
        branches: the layers that turn an input into a vector, by name. A branch named as an input reads that one.
        merge: how the branch vectors become one; None if every head reads a branch of its own.
        trunk: the dense layers behind the merge, shared by all heads that read the merged vector.
        heads: the prediction tasks, by name.
    """

    inputs: dict[Name, Input] = Field(min_length=1)
    branches: dict[Name, Branch] = Field(min_length=1)
    merge: Merge | None = ConcatenateMerge()
    trunk: Trunk = Trunk()
    heads: dict[Name, Head] = Field(min_length=1)

    def input_of(self, branch: str) -> str:
        """Name of the input that a branch reads."""
        return self.branches[branch].input or branch

    @property
    def views(self) -> tuple[View, ...]:
        """Every branch over every input that it reads, in the order in which their vectors are merged."""
        return tuple(
            View(branch, name, branch if name == own else f"{branch}.{name}")
            for branch in self.branches
            for own in [self.input_of(branch)]
            for name, given in self.inputs.items()
            if name == own or given.branch_of == own
        )

    @property
    def image_branches(self) -> dict[str, ImageBranch]:
        """The branches that read pictures, by name."""
        return {name: branch for name, branch in self.branches.items() if isinstance(branch, ImageBranch)}

    @property
    def token_branches(self) -> dict[str, TokenBranch]:
        """The branches that read tokens, by name."""
        return {name: branch for name, branch in self.branches.items() if isinstance(branch, TokenBranch)}

    def with_labels(self, labels: Mapping[str, tuple[str, ...]]) -> ModelSpec:
        """The same spec with the labels of its heads filled in."""
        data = self.model_dump()
        for head, names in labels.items():
            data["heads"][head]["labels"] = names
        return ModelSpec.parse(data, what="spec")

    def only(self, inputs: Collection[str]) -> ModelSpec:
        """The same spec with some of its inputs, the branches that read them, and the heads that can do with those.

        What a dropped part was needed for is left out as well: a merge of one vector, the condition of a merge, the
        last layer of a dropped head, copies of a head on branches of which one is left.

        Raises:
            SpecError: if no head is left, or an input whose branch another one shares is dropped alone.
        """
        data = self.model_dump()
        data["inputs"] = {name: given for name, given in data["inputs"].items() if name in inputs}
        data["branches"] = {name: given for name, given in data["branches"].items() if self.input_of(name) in inputs}
        left = [view.name for view in self.views if view.branch in data["branches"] and view.input in inputs]
        data["heads"] = {name: head for name, head in data["heads"].items() if head["of"] is None or head["of"] in left}
        for head in data["heads"].values():
            if head["last_layer_of"] not in data["heads"]:
                head["last_layer_of"] = None
            if len(left) == 1:
                head |= {"auxiliary_weight": 0.0, "add_auxiliary": False}
        if self.merge is not None and len(left) == 1:
            data["merge"] = ConcatenateMerge().model_dump()
        if isinstance(self.merge, FilmMerge) and self.merge.condition not in left and len(left) > 1:
            data["merge"]["condition"] = None
        return ModelSpec.parse(data, what="spec")

    def portable(self) -> ModelSpec:
        """The spec of what is exported: names of files in place of their paths in training, no copies of heads but
        those that are added."""
        data = self.model_dump()
        for head in data["heads"].values():
            if not head["add_auxiliary"]:
                head["auxiliary_weight"] = 0.0
        for branch in data["branches"].values():
            for key in ("weights", "vectors"):
                if isinstance(branch.get(key), Path):
                    branch[key] = Path(branch[key].name)
        return ModelSpec.parse(data, what="spec")

    def has_heads_for(self, inputs: Collection[str]) -> bool:
        """Whether `only` of these inputs has a head left."""
        views = [view.name for view in self.views if view.input in inputs]
        return any(head.of is None or head.of in views for head in self.heads.values())

    @model_validator(mode="before")
    @classmethod
    def _sharing_inputs_are_alike(cls, data: Any) -> Any:
        """An input that shares another's branch takes over what it does not say itself."""
        if not isinstance(data, Mapping) or not isinstance(data.get("inputs"), Mapping):
            return data
        inputs = dict(data["inputs"])
        for name, given in inputs.items():
            named = given.get("branch_of") if isinstance(given, Mapping) else None
            source = inputs.get(named) if isinstance(named, str) else None
            if isinstance(source, Mapping):
                inputs[name] = {**{key: value for key, value in source.items() if key != "branch_of"}, **given}
        return {**data, "inputs": inputs}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for complaint in (
            *checks.inputs(self),
            *checks.branches(self),
            *checks.unread(self),
            *checks.heads(self),
            *checks.merge(self),
        ):
            raise ValueError(f".{complaint}")
        return self
