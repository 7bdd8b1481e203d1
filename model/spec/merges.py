"""How branch vectors become one."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PositiveInt, model_validator

from model.spec.names import Rate
from model.validation import Part, kind_alone


class ConcatenateMerge(Part):
    """The branch vectors side by side, in the order of the branches."""

    kind: Literal["concatenate"] = "concatenate"


class ElementwiseMerge(Part):
    """One number from the vectors' numbers at each place: `add`, `average`, `maximum`, `minimum` or `multiply`.

    Args:
        units: width of the vectors that are merged; those of another width are projected to it. None is the widest.
    """

    kind: Literal["add", "average", "maximum", "minimum", "multiply"]
    units: PositiveInt | None = None


class SubtractMerge(Part):
    """The first vector minus the second.

    Args:
        units: as in `ElementwiseMerge`.
    """

    kind: Literal["subtract"] = "subtract"
    units: PositiveInt | None = None


class DotMerge(Part):
    """The dot product of two vectors: a single number.

    Args:
        units: as in `ElementwiseMerge`.
        normalize: bring both to length 1 first, which makes it their cosine.
    """

    kind: Literal["dot"] = "dot"
    units: PositiveInt | None = None
    normalize: bool = False


class GatedMerge(Part):
    """The gated multimodal unit: each input is weighed, place by place, from all of them (Arevalo 2017).

    Args:
        units: width of the merged vector; None is that of the widest branch.
    """

    kind: Literal["gated"] = "gated"
    units: PositiveInt | None = None


class FilmMerge(Part):
    """Feature-wise linear modulation: one branch scales and shifts the others (Perez 2018).

    Args:
        condition: the branch that does; None is the first one over text or tags, or the last if there is none.
    """

    kind: Literal["film"] = "film"
    condition: str | None = None


class BilinearMerge(Part):
    """A low-rank product of all pairs of features: MLB with `factors` 1 (Kim 2017), MFB with more (Yu 2017).

    Args:
        units: width of the merged vector.
        factors: products that are summed to one feature.
        dropout: share of the products dropped in training.
    """

    kind: Literal["bilinear"] = "bilinear"
    units: PositiveInt = 96
    factors: PositiveInt = 1
    dropout: Rate = 0.1


class CrossAttentionMerge(Part):
    """Each branch's places and tokens attend to those of all others (Lu 2019), before they are pooled.

    The branch vectors and what was attended to, side by side.

    Args:
        units: width that all places and tokens are projected to.
        attention_heads: `units` is divided among them.
        dropout: share of what was attended to dropped in training.
    """

    kind: Literal["cross_attention"] = "cross_attention"
    units: PositiveInt = 64
    attention_heads: PositiveInt = 4
    dropout: Rate = 0.1

    @model_validator(mode="after")
    def _divides_among_the_heads(self) -> Self:
        if self.units % self.attention_heads:
            raise ValueError(
                f"units {self.units} can't be divided among {self.attention_heads} attention_heads evenly."
            )
        return self


Merge = Annotated[
    ConcatenateMerge
    | ElementwiseMerge
    | SubtractMerge
    | DotMerge
    | GatedMerge
    | FilmMerge
    | BilinearMerge
    | CrossAttentionMerge,
    Field(discriminator="kind"),
    BeforeValidator(kind_alone),
]
