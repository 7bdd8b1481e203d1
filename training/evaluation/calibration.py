"""Making probabilities mean what they say, on the validation rows: a temperature a head, a threshold a label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

from model.spec import THRESHOLD, Head, ModelSpec, MultiLabelHead

Floats = NDArray[np.float64]

# Fewer validation rows than this say too little of a temperature, fewer rows of a label of its threshold.
LEAST_ROWS = 20
LEAST_POSITIVES = 5
# A threshold is drawn towards one half as if so many rows of the label had asked for that.
ROWS_FOR_HALF = 5
_TEMPERATURES = (0.05, 20.0)
_FOLDS = 5


@dataclass(frozen=True)
class Calibration:
    """How the logits of a head become probabilities, and those labels.

    Args:
        temperature: the logits are divided by it.
        thresholds: for each label of a multi-label head, from which probability on it is given; None for others.
    """

    temperature: float = 1.0
    thresholds: Mapping[str, float] | None = None

    def as_dict(self) -> dict[str, float | dict[str, float]]:
        """As `metrics.json` holds it."""
        told: dict[str, float | dict[str, float]] = {"temperature": self.temperature}
        if self.thresholds is not None:
            told["thresholds"] = dict(self.thresholds)
        return told

    def at(self, head: Head) -> Floats | None:
        """The thresholds in the order of the labels, (classes,); None for a single-label head."""
        if not isinstance(head, MultiLabelHead):
            return None
        given = self.thresholds or {}
        return np.array([given.get(label, THRESHOLD) for label in head.labels])

    def probabilities(self, head: Head, logits: NDArray[np.floating]) -> NDArray[np.float32]:
        """(examples, classes) -> float32 (examples, classes), calibrated."""
        scaled = np.asarray(logits, np.float64) / self.temperature
        result: NDArray[np.float32] = (
            expit(scaled) if isinstance(head, MultiLabelHead) else softmax(scaled, axis=1)
        ).astype(np.float32)
        return result


def calibrate(
    spec: ModelSpec, logits: Mapping[str, NDArray[np.floating]], targets: Mapping[str, NDArray[np.generic]]
) -> dict[str, Calibration]:
    """Fits each head's calibration.

    Args:
        spec: with labels.
        logits: of the validation rows, for each head (rows, classes).
        targets: of the same rows, for each head int32 (rows,) or bool (rows, classes).
    """
    return {name: of_head(head, logits[name], targets[name]) for name, head in spec.heads.items()}


def of_head(head: Head, logits: NDArray[np.floating], targets: NDArray[np.generic]) -> Calibration:
    """Fits the calibration of one head; see `calibrate`."""
    exact = np.asarray(logits, np.float64)
    fitted = Calibration(temperature(head, exact, targets))
    if not isinstance(head, MultiLabelHead):
        return fitted
    found, right = fitted.probabilities(head, exact), np.asarray(targets, bool)
    thresholds = [threshold(found[:, one], right[:, one]) for one in range(len(head.labels))]
    return Calibration(fitted.temperature, dict(zip(head.labels, thresholds, strict=True)))


def probabilities(
    spec: ModelSpec, logits: Mapping[str, NDArray[np.floating]], calibrations: Mapping[str, Calibration]
) -> dict[str, NDArray[np.float32]]:
    """The calibrated probabilities of each head, float32 (examples, classes)."""
    return {name: calibrations[name].probabilities(spec.heads[name], values) for name, values in logits.items()}


def temperature(head: Head, logits: Floats, targets: NDArray[np.generic]) -> float:
    """The temperature of the least log loss (Guo 2017, arXiv:1706.04599).

    The size of its logarithm counts like the loss of half a row, or a few rows that are all right would ask for
    certainty. It is 1, which changes nothing, with fewer than `LEAST_ROWS` rows, and where a temperature that is fitted
    on four fifths of the rows does not lower the loss of the others.

    Args:
        head: single-label or multi-label.
        logits: float64 (rows, classes).
        targets: int32 (rows,) or bool (rows, classes).
    """
    if len(logits) < LEAST_ROWS:
        return 1.0
    fold = np.random.default_rng(0).permutation(len(logits)) % _FOLDS
    before = after = 0.0
    for number in range(_FOLDS):
        held = fold == number
        fitted = _fitted(head, logits[~held], targets[~held])
        before += _loss(head, logits[held], targets[held], 1.0)
        after += _loss(head, logits[held], targets[held], fitted)
    return round(_fitted(head, logits, targets), 4) if after < before else 1.0


def threshold(probabilities: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """The threshold of a label: that of the highest F1, drawn towards one half the more the fewer rows it has.

    With k rows that have the label it is (k t + m / 2) / (k + m), m = `ROWS_FOR_HALF`; one half with fewer than
    `LEAST_POSITIVES`. The best threshold of a few rows is mostly luck (Lipton 2014, arXiv:1402.1892, section 6).

    Args:
        probabilities: (rows,), of the label.
        right: bool (rows,), which rows have it.
    """
    positives = int(right.sum())
    if positives < LEAST_POSITIVES:
        return THRESHOLD
    order = np.argsort(-probabilities, kind="stable")
    scores = np.asarray(probabilities, np.float64)[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # of each run of equal scores
    found = right[order].cumsum()[last]
    f1 = 2 * found / (last + 1 + positives)
    best = int(f1.argmax())
    # Halfway to the next lower score: all thresholds in between give the same labels here.
    below = scores[last[best + 1]] if best + 1 < len(last) else 0.0
    middle = (scores[last[best]] + below) / 2
    return round(float(positives * middle + ROWS_FOR_HALF * THRESHOLD) / (positives + ROWS_FOR_HALF), 3)


def _fitted(head: Head, logits: Floats, targets: NDArray[np.generic]) -> float:
    def objective(logarithm: float) -> float:
        return _loss(head, logits, targets, float(np.exp(logarithm))) + logarithm**2 / 2

    low, high = np.log(_TEMPERATURES)
    return float(np.exp(minimize_scalar(objective, bounds=(low, high), method="bounded").x))


def _loss(head: Head, logits: Floats, targets: NDArray[np.generic], temperature: float) -> float:
    """Log loss in nats, summed over the rows; of a multi-label head the mean over the labels."""
    scaled = logits / temperature
    if isinstance(head, MultiLabelHead):
        return float(-log_expit(np.where(targets, scaled, -scaled)).mean(axis=1).sum())
    rows = np.arange(len(scaled))
    return float(-log_softmax(scaled, axis=1)[rows, targets.astype(np.intp)].sum())
