"""How far a training is, apart from its weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Self

from training.epoch import Epoch
from training.training_settings import Convolutions, Precision


@dataclass
class Course:
    """How far a training is: what a checkpoint says beside the weights.

    Args:
        precision: of the steps; a training that goes on must not choose another.
        convolutions: who computes them, likewise.
        epoch: under way, counted from 1.
        losses: of the steps that were made in it.
        seconds: that it took so far.
        waited_s: seconds of these in which the next batch was waited for.
        total_s: seconds of the whole training so far, epochs and all between them.
        history: the epochs that are over.
        since_best: how many of them came after the best, or after the last branches were thawed.
        ended: whether the training is over and the network has the weights of its best epoch.
    """

    precision: Precision = "float32"
    convolutions: Convolutions = "tensorflow"
    epoch: int = 1
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    waited_s: float = 0.0
    total_s: float = 0.0
    history: list[Epoch] = field(default_factory=list)
    since_best: int = 0
    ended: bool = False

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights are kept, if one is over."""
        return next((epoch for epoch in reversed(self.history) if epoch.best), None)

    @property
    def step(self) -> int:
        """How many steps of the epoch are made."""
        return len(self.losses)

    def to_json(self) -> str:
        """As a checkpoint holds it; numbers come back exactly."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        data = json.loads(text)
        return cls(**{**data, "history": [Epoch(**epoch) for epoch in data["history"]]})
