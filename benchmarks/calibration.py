"""What temperatures and thresholds fitted on few validation rows are worth on fresh ones, on simulated data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.spec import THRESHOLD, SingleLabelHead
from training.evaluation.calibration import Calibration, temperature, threshold
from training.evaluation.figures import figure

VALIDATION_SETS = 200
FRESH_ROWS = 20_000
HEAD = SingleLabelHead(labels=("a", "b", "c", "d"))
# How many times too large the logits are.
TOO_SURE = 2.0

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def losses(rows: int, random: np.random.Generator) -> tuple[float, float, float]:
    """Mean log loss on fresh rows: as they are, with the temperature of so many rows, and with the right one."""
    found = []
    for _ in range(VALIDATION_SETS):
        fitted = temperature(HEAD, *logits(rows, random))
        fresh, targets = logits(FRESH_ROWS // 10, random)
        given = [Calibration(one).probabilities(HEAD, fresh) for one in (1.0, fitted, TOO_SURE)]
        found.append([figure("log_loss", HEAD, one, targets) for one in given])
    as_is, calibrated, best = np.mean(found, axis=0).tolist()
    return as_is, calibrated, best


def logits(rows: int, random: np.random.Generator) -> tuple[Floats, NDArray[np.int32]]:
    """Of a classifier that is too sure, and the targets."""
    targets = random.integers(4, size=rows).astype(np.int32)
    seen = random.normal(size=(rows, 4))
    seen[np.arange(rows), targets] += 1.5
    return TOO_SURE * 1.5 * seen, targets


def f1_scores(rows: int, rate: float, random: np.random.Generator) -> tuple[float, float, float]:
    """Mean F1 on fresh rows of a label that a share of the rows has: with one half, with the best of the validation
    rows as it is, and with the one that is used."""
    found = []
    for _ in range(VALIDATION_SETS):
        scores, right = label(rows, rate, random)
        fresh, wanted = label(FRESH_ROWS, rate, random)
        thresholds = (THRESHOLD, _best(scores, right), threshold(scores, right))
        given = [fresh >= one for one in thresholds]
        found.append([2 * (one & wanted).sum() / (one.sum() + wanted.sum()) for one in given])
    half, best, used = np.mean(found, axis=0).tolist()
    return half, best, used


def label(rows: int, rate: float, random: np.random.Generator) -> tuple[Floats, Bools]:
    """Calibrated probabilities of a label, with a d' of 1.5, and which rows have it."""
    right = random.random(rows) < rate
    seen = random.normal(size=rows) + 1.5 * right
    odds = np.exp(1.5 * seen - 1.5**2 / 2) * rate / (1 - rate)
    return odds / (1 + odds), right


def _best(scores: Floats, right: Bools) -> float:
    candidates = np.unique(scores)
    given = scores[np.newaxis] >= candidates[:, np.newaxis]
    f1 = 2 * (given & right).sum(axis=1) / (given.sum(axis=1) + max(right.sum(), 1))
    return float(candidates[f1.argmax()])


def main() -> None:
    """Prints the tables."""
    random = np.random.default_rng(0)
    print(f"log loss on fresh rows, mean of {VALIDATION_SETS} validation sets; logits {TOO_SURE:g} times too large")
    print("  rows   as it is   fitted   best")
    for rows in (20, 50, 200, 1000):
        print(f"  {rows:<6} {'   '.join(f'{one:.3f}' for one in losses(rows, random))}", flush=True)
    print(f"\nF1 on fresh rows, mean of {VALIDATION_SETS} validation sets")
    print("  rows   with the label   one half   best as it is   used")
    for rows in (100, 500, 2000):
        for rate in (0.05, 0.2, 0.5):
            told = "   ".join(f"{one:.3f}" for one in f1_scores(rows, rate, random))
            print(f"  {rows:<6} {rows * rate:<6.0f} {told}", flush=True)


if __name__ == "__main__":
    main()
