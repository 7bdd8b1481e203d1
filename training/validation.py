"""How good a network under way is on the validation rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.heads import probabilities
from model.spec import ModelSpec
from training.accuracy import accuracy
from training.forward import constants
from training.monitor import Monitor
from training.objective import Objective
from training.pipeline import Targets


@dataclass(frozen=True)
class Validated:
    """The figures of the validation rows.

    Args:
        loss: of the heads' answers, in nats.
        accuracy: mean over the heads.
        monitored: what chooses the epoch.
    """

    loss: float
    accuracy: float
    monitored: float


def validate(
    logits: Mapping[str, NDArray[np.float32]],
    targets: Mapping[str, Targets],
    *,
    spec: ModelSpec,
    objective: Objective,
    monitor: Monitor,
) -> Validated:
    """The figures of some answers.

    Args:
        logits: for each head float32 (rows, classes).
        targets: of the same rows.
        spec: of the network.
        objective: gives the losses.
        monitor: gives what is monitored.

    Raises:
        SpecError: if what is monitored is undefined on these rows.
    """
    loss = float(objective.of_answers(constants(logits), constants(targets)))
    found = {name: probabilities(head, logits[name]).numpy() for name, head in spec.heads.items()}
    accuracies = [accuracy(head, found[name], targets[name]) for name, head in spec.heads.items()]
    losses = {
        name: float(objective.of_head(name, tf.constant(logits[name]), tf.constant(targets[name])))
        for name in spec.heads
    }
    return Validated(loss, float(np.mean(accuracies)), monitor.value(loss, losses, found, targets))
