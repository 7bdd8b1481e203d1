"""How it is compared."""

from __future__ import annotations

from dataclasses import dataclass

from model.errors import SpecError
from model.spec import ModelSpec
from training.comparison.metric import Metric

# A gain under this is not worth a second input.
MARGIN = 0.02


@dataclass(frozen=True)
class Rules:
    """How it is compared.

    Args:
        seeds: trainings of each network, from the recipe's seed on.
        metric: what is compared.
        margin: the least gain that is worth having, in the unit of the metric.

    Raises:
        SpecError: if the margin is not over 0.
    """

    seeds: int = 1
    metric: Metric = Metric("accuracy")  # noqa: RUF009  (frozen)
    margin: float = MARGIN

    def __post_init__(self) -> None:
        if not self.margin > 0:
            raise SpecError(f"--margin: expected more than 0. Received: {self.margin:g}.")

    def heads(self, spec: ModelSpec) -> list[str]:
        """The heads that are compared: those that read what is merged.

        Raises:
            SpecError: if one of them has no such metric.
        """
        found = [name for name, head in spec.heads.items() if head.of is None]
        self.metric.check(spec.heads[name] for name in found)
        return found
