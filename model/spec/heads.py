"""The prediction tasks."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator, model_validator

from model.spec.names import Name, Rate
from model.validation import Part

# From this probability on, a label of a multi-label head counts as given.
THRESHOLD = 0.5


class _Head(Part):
    """What all heads have.

    Args:
        labels: the classes, in the order of the probabilities; if empty, training reads them from the data.
        of: the branch whose vector it reads, `branch.input` for a branch over an input that shares it; None is the
            merged vector behind the trunk.
        units: widths of hidden layers of its own before the last one.
        last_layer_of: another head whose last layer it uses, weights and all. They have their labels in common.
        loss_weight: of its loss in the sum over the heads.
        label_smoothing: share of the target that is spread evenly over the labels.
        class_weights: `none`; `balanced` weighs a label by one over its frequency in training; `effective_number` less
            so where there are many examples already (Cui 2019, arXiv:1901.05555).
        focal_gamma: over 0, examples that are right already count less, the more so the higher it is (Lin 2017,
            arXiv:1708.02002).
        auxiliary_weight: over 0, every branch gets a copy of this head on its own vector, trained along with this
            weight and dropped at export, so that no branch is left untrained because another answers.
        add_auxiliary: keep the copies, and add their logits to the head's own where their input is present, each with
            a weight fitted on the validation rows (Genest and Zidek 1986, doi:10.1214/ss/1177013825).
    """

    labels: tuple[str, ...] = ()
    of: str | None = None
    units: tuple[PositiveInt, ...] = ()
    last_layer_of: Name | None = None
    loss_weight: PositiveFloat = 1.0
    label_smoothing: Rate = 0.0
    class_weights: Literal["none", "balanced", "effective_number"] = "none"
    focal_gamma: NonNegativeFloat = 0.0
    auxiliary_weight: NonNegativeFloat = 0.0
    add_auxiliary: bool = False

    @field_validator("labels")
    @classmethod
    def _distinct(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"labels must differ; given more than once: {', '.join(twice)}.")
        return labels


class SingleLabelHead(_Head):
    """Exactly one label an example: softmax over the labels. A yes-or-no question has two labels."""

    kind: Literal["single_label"] = "single_label"

    @field_validator("labels")
    @classmethod
    def _several(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        if len(labels) == 1:
            raise ValueError(f"1 label; expected at least 2. Received: {list(labels)}.")
        return labels


class MultiLabelHead(_Head):
    """Any number of labels an example, also none: a sigmoid for each.

    Args:
        delimiter: what stands between two labels in the manifest.
    """

    kind: Literal["multi_label"] = "multi_label"
    delimiter: str = Field(",", min_length=1, max_length=1)

    @model_validator(mode="after")
    def _labels_stand_in_cells(self) -> Self:
        for label in self.labels:
            if self.delimiter in label or label != label.strip() or not label:
                raise ValueError(
                    f".labels: no cell can hold {label!r}, as {self.delimiter!r} and blanks part labels; rename it, "
                    "or choose another delimiter."
                )
        return self


Head = Annotated[SingleLabelHead | MultiLabelHead, Field(discriminator="kind")]
