"""What a candidate says to a head: calibrated on the validation rows, as `fit` calibrates what it exports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from model.spec import Head, MultiLabelHead
from training.evaluation.calibration import of_head
from training.pipeline import Targets

# Probabilities under this count as this: one that is quite sure of what is wrong could never be put right.
LEAST = 1e-6


@dataclass(frozen=True)
class Answers:
    """Of one training, to one head.

    Args:
        validation: probabilities, float32 (rows, classes).
        test: the same of the test split.
        thresholds: (classes,), from which probability on a label of a multi-label head is given; None is one half.
    """

    validation: NDArray[np.float32]
    test: NDArray[np.float32]
    thresholds: NDArray[np.float64] | None = None


def calibrated(head: Head, validation: NDArray[np.floating], test: NDArray[np.floating], targets: Targets) -> Answers:
    """From logits to answers.

    Args:
        head: with labels.
        validation: logits (rows, classes).
        test: the same of the test split.
        targets: of the validation rows.
    """
    fitted = of_head(head, validation, targets)
    return Answers(fitted.probabilities(head, validation), fitted.probabilities(head, test), fitted.at(head))


def logits(head: Head, probabilities: NDArray[np.floating]) -> NDArray[np.float32]:
    """Logits that have these probabilities, float32 (rows, classes)."""
    bounded = np.clip(np.asarray(probabilities, np.float64), LEAST, 1 - LEAST)
    found: NDArray[np.float32] = np.asarray(
        logit(bounded) if isinstance(head, MultiLabelHead) else np.log(bounded), np.float32
    )
    return found
