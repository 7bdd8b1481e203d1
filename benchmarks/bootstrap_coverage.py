"""How often 95 % intervals hold the truth, on simulated data. `python -m benchmarks.bootstrap_coverage`, ten minutes.

It should be 0.95. The first table draws 10,000 test sets of each size and accuracy, the second 600 test sets of a
simulated classifier with all its figures, the third 600 of rows that come in groups.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from model.spec import SingleLabelHead
from training.evaluation import bootstrap
from training.evaluation.bootstrap import Draws, Floats, Replicates, replicate
from training.evaluation.calibration import Calibration
from training.evaluation.figures import figures, names
from training.evaluation.measured import metrics

SIZES = (100, 200, 500, 1000, 2000)
ACCURACIES = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
DRAWN_SETS = 10_000
SEEDS = 4
SIMULATED_SETS = 600
CLASSES = SingleLabelHead(labels=("a", "b", "c", "d"))

Simulated = tuple[NDArray[np.float32], NDArray[np.int32]]


def accuracy_coverage(rows: int, accuracy: float, random: np.random.Generator) -> tuple[float, float]:
    """Of the intervals used here and of plain percentiles, over test sets of so many rows.

    Test sets with equally many right rows share a few intervals, each of resamples of its own.
    """
    held, held_by_percentiles = 0, 0
    rights, seeds = random.binomial(rows, accuracy, DRAWN_SETS), random.integers(SEEDS, size=DRAWN_SETS)
    for (right, seed), times in Counter(zip(rights.tolist(), seeds.tolist(), strict=True)).items():
        found = of_accuracy(rows, right, seed)
        interval = found.interval(0, bounds=(0.0, 1.0))
        low, high = np.quantile(found.drawn[:, 0], (0.025, 0.975))
        held += times * (interval is not None and interval.low <= accuracy <= interval.high)
        held_by_percentiles += times * bool(low <= accuracy <= high)
    return held / DRAWN_SETS, held_by_percentiles / DRAWN_SETS


def figure_coverage(rows: int, *, sharpness: float, random: np.random.Generator) -> dict[str, float]:
    """Of each figure of a simulated classifier of four classes, the commonest four times as frequent as the rarest."""
    truth = figures(CLASSES, *simulated(300_000, sharpness, random))
    held: Counter[str] = Counter()
    for _ in range(SIMULATED_SETS):
        for name, found in metrics(CLASSES, *simulated(rows, sharpness, random), Calibration()).items():
            held[name] += found is not None and found["low"] <= truth[name] <= found["high"]
    return {name: held[name] / SIMULATED_SETS for name in names(CLASSES)}


def group_coverage(groups: int, size: int, random: np.random.Generator) -> tuple[float, float]:
    """Of accuracies whose rows come in groups that are alike, drawn by groups and, wrongly, by rows."""
    held, held_by_rows = 0, 0
    ids = np.repeat(np.arange(groups), size)
    for number in range(SIMULATED_SETS):
        chance = random.beta(4, 1, groups)  # of each group, 0.8 in the mean
        right = random.random(groups * size) < np.repeat(chance, size)
        by_group = bootstrap.mean(right, groups=ids, seed=number)
        by_row = bootstrap.mean(right, seed=number)
        held += by_group.low <= 0.8 <= by_group.high
        held_by_rows += by_row.low <= 0.8 <= by_row.high
    return held / SIMULATED_SETS, held_by_rows / SIMULATED_SETS


def simulated(rows: int, sharpness: float, random: np.random.Generator) -> Simulated:
    """Probabilities and targets of so many rows. With a sharpness of 1 the probabilities are what they say."""
    shares = 1 / np.arange(1, len(CLASSES.labels) + 1)
    shares /= shares.sum()
    targets = random.choice(len(shares), rows, p=shares).astype(np.int32)
    seen = random.normal(size=(rows, len(shares)))
    seen[np.arange(rows), targets] += 1.5
    logits = sharpness * (1.5 * seen + np.log(shares))
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32), targets


def of_accuracy(rows: int, right: int, seed: int = 0) -> Replicates:
    """The accuracy of a model that is right in so many rows."""
    scores = np.arange(rows) < right

    def accuracy(counts: Floats) -> Floats:
        return counts @ scores[:, np.newaxis] / rows

    return replicate(accuracy, Draws(rows, seed=seed))


def main() -> None:
    """Prints the tables."""
    random = np.random.default_rng(0)
    print(f"accuracy, {DRAWN_SETS:,} test sets each: BCa of the mid-distribution (plain percentiles)")
    print("  rows " + "".join(f"{accuracy:>16.2f}" for accuracy in ACCURACIES))
    for rows in SIZES:
        found = [accuracy_coverage(rows, accuracy, random) for accuracy in ACCURACIES]
        print(f"  {rows:<5}" + "".join(f"   {ours:.3f} ({plain:.3f})" for ours, plain in found), flush=True)

    print(f"\na simulated classifier of four classes, {SIMULATED_SETS} test sets each")
    for sharpness in (1.0, 1.5):
        for rows in (100, 300, 1000):
            told = "  ".join(
                f"{name} {value:.3f}"
                for name, value in figure_coverage(rows, sharpness=sharpness, random=random).items()
            )
            print(f"  {rows:>4} rows, sharpness {sharpness}: {told}", flush=True)

    print(f"\naccuracy of rows in groups, {SIMULATED_SETS} test sets each: drawn by group (drawn by row)")
    for groups, size in ((30, 10), (100, 5), (300, 5)):
        ours, by_row = group_coverage(groups, size, random)
        print(f"  {groups:>3} groups of {size:>2}: {ours:.3f} ({by_row:.3f})", flush=True)


if __name__ == "__main__":
    main()
