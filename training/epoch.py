"""The figures of an epoch, and who is told of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch; losses in nats, summed over the heads, accuracies their mean.

    Args:
        epoch: counted from 1.
        loss: mean over the training examples, with dropout and withheld inputs.
        val_loss: over the validation split.
        val_accuracy: over the validation split.
        seconds: of the whole epoch.
        examples_per_s: training examples by the seconds of their steps.
        learning_rate: of its last step.
        waited_s: seconds of the steps in which the next batch was waited for.
        monitored: the validation figure that chooses the epoch.
        best: whether it is the best so far.
    """

    epoch: int
    loss: float
    val_loss: float
    val_accuracy: float
    seconds: float
    examples_per_s: float
    learning_rate: float = 0.0
    waited_s: float = 0.0
    monitored: float = 0.0
    best: bool = False

    def as_dict(self) -> dict[str, float]:
        """By name, as the log holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Listener:
    """Who is told how training goes.

    Args:
        step: called after each step with steps done, steps in all, the loss of the step, and examples a second.
        epoch: called after each epoch with its figures and whether it is the best so far.
    """

    step: Callable[[int, int, float, float], None]
    epoch: Callable[[Epoch, bool], None]
