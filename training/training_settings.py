"""How the weights are learned: the training part of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from model.spec import Name, Rate
from model.validation import Part, nearest
from training.augment_settings import AugmentSettings

# The validation figures that can choose the epoch; all but the loss are the better the higher they are.
MONITORED = (
    "loss",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "micro_f1",
    "roc_auc",
    "average_precision",
)

Seed = Annotated[int, Field(ge=0, lt=2**32)]
Precision = Literal["float32", "bfloat16"]
Convolutions = Literal["tensorflow", "winograd"]


def _checked_monitor(monitor: str) -> str:
    figure = monitor.rpartition(".")[2]
    if figure not in MONITORED:
        raise ValueError(f"no validation figure {figure!r}{nearest(figure, MONITORED)}")
    return monitor


Monitored = Annotated[str, AfterValidator(_checked_monitor)]


class InitFrom(Part):
    """A part of an earlier model.

    Args:
        path: its run folder or bundle; relative to the recipe's folder. In YAML the path alone will do.
        part: its name there; None is the same name, or the only one of its kind.
    """

    path: Path
    part: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, data: Any) -> Any:
        return {"path": data} if isinstance(data, str | Path) else data


class TrainingSettings(Part):
    """How the weights are learned.

    Args:
        epochs: passes over the training split.
        batch_size: examples a step.
        learning_rate: highest rate of AdamW; it rises at first and then falls along a cosine to zero.
        warmup_epochs: epochs in which it rises, also a part of one; 0 begins at the highest.
        weight_decay: of AdamW.
        clip_norm: gradients longer than this, all together, are shortened to it; None never.
        ema_decay: the weights that are validated and kept are a moving average of the trained ones, of which each step
            keeps this share, see `training.average`; None keeps the trained ones.
        precision: of the steps' arithmetic: float32; bfloat16 in convolutions and matrix products, see
            `training.precision`; or auto, bfloat16 if a trial on this machine finds it clearly faster. The weights
            themselves, validation and export are float32 always.
        convolutions: who computes those over pictures in the steps: tensorflow; winograd, native code with fewer
            products, see `training.convolutions`; or auto, that where it is known to be faster.
        absent_rate: share of the given inputs withheld in training, each on its own and never all of an example, so
            that the model can answer without them.
        augment: how training examples are varied.
        monitor: validation figure whose best epoch is kept, one of `MONITORED`: the lowest loss or the highest of the
            others, ties by loss. With several heads their mean, or that of one: `HEAD.FIGURE`.
        patience: epochs without a better one after which training stops; None never stops early.
        checkpoint_every_s: seconds between checkpoints that a run can be resumed from; there is one after each epoch
            besides.
        seed: of the initial weights, the order of examples and all dropouts.
        init: earlier models to start from: a run folder or bundle for each branch, head, `merge` or `trunk`, or one for
            all parts that it has. The vocabulary of a branch comes along.
        freeze: branches that keep the weights they start with.
        unfreeze_at_epoch: from which on they train too; None is never.
    """

    epochs: PositiveInt = 30
    batch_size: PositiveInt = 32
    learning_rate: float = Field(2e-3, gt=0, lt=10)
    warmup_epochs: float = Field(1.0, ge=0)
    weight_decay: float = Field(0.02, ge=0, lt=10)
    clip_norm: PositiveFloat | None = 1.0
    ema_decay: Rate | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "float32"
    convolutions: Literal["auto", "tensorflow", "winograd"] = "auto"
    absent_rate: Rate = 0.15
    augment: AugmentSettings = AugmentSettings()
    monitor: Monitored = "accuracy"
    patience: PositiveInt | None = None
    checkpoint_every_s: PositiveFloat = 30.0
    seed: Seed = 0
    init: Annotated[dict[str, InitFrom] | Path | None, Field(union_mode="left_to_right")] = None
    freeze: tuple[Name, ...] = ()
    unfreeze_at_epoch: PositiveInt | None = None

    @model_validator(mode="after")
    def _computes_in_what_it_can(self) -> Self:
        if self.convolutions == "winograd" and self.precision != "float32":
            raise ValueError(
                f".convolutions: 'winograd' computes in float32 alone, and precision is {self.precision!r}; leave one"
                " of them out."
            )
        return self

    @model_validator(mode="after")
    def _unfreezes_what_is_frozen(self) -> Self:
        epoch = self.unfreeze_at_epoch
        if epoch is not None and not self.freeze:
            raise ValueError(".unfreeze_at_epoch: nothing is frozen; name branches in 'freeze', or leave it out.")
        if epoch is not None and not 1 < epoch <= self.epochs:
            raise ValueError(f".unfreeze_at_epoch: expected an epoch from 2 to {self.epochs}. Received: {epoch}.")
        return self
