"""The validation figure that chooses the epoch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from model.errors import SpecError
from model.spec import ModelSpec
from training.evaluation.figures import figure
from training.pipeline import Targets


class Monitor:
    """One validation figure: of a head, or the mean over the heads; a loss is summed over them.

    Args:
        name: `FIGURE` or `HEAD.FIGURE`, as `TrainingSettings.monitor` has it.
        spec: of the network; it may lack the head, as that of a picture alone, and then all its heads are looked at.
    """

    def __init__(self, name: str, spec: ModelSpec) -> None:
        head, _, self.figure = name.rpartition(".")
        self.name = name
        self._spec = spec
        self._heads = [head] if head in spec.heads else list(spec.heads)

    def value(
        self,
        loss: float,
        losses: Mapping[str, float],
        probabilities: Mapping[str, NDArray[np.float32]],
        targets: Mapping[str, Targets],
    ) -> float:
        """The figure.

        Args:
            loss: of all heads together, in nats.
            losses: of each head.
            probabilities: of each head, float32 (examples, classes).
            targets: of each head.

        Raises:
            SpecError: if the figure is undefined on these examples.
        """
        if self.figure == "loss":
            return loss if len(self._heads) == len(self._spec.heads) else losses[self._heads[0]]
        return float(np.mean([self._of_head(name, probabilities[name], targets[name]) for name in self._heads]))

    def score(self, value: float, loss: float, accuracy: float) -> tuple[float, float]:
        """What is the higher the better the epoch is: the figure, then the loss; for a loss, then the accuracy.

        Args:
            value: the figure.
            loss: of all heads.
            accuracy: of all heads.
        """
        if self.figure == "loss":
            return -value, accuracy
        return value, -loss

    def _of_head(self, name: str, probabilities: NDArray[np.float32], targets: Targets) -> float:
        value = figure(self.figure, self._spec.heads[name], probabilities, targets)
        if not np.isfinite(value):
            raise SpecError(
                f"training.monitor: {self.figure} of head {name!r} is undefined on the {len(probabilities)} validation "
                "rows: no label has rows both with and without it. Choose another figure, or validate on more rows."
            )
        return value
