"""How often a verdict says that merging helps where it does not: the merge chosen on validation, and on the test rows.

python -m benchmarks.verdicts [SETS]
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from model.spec import SingleLabelHead
from training.comparison.answers import Answers
from training.comparison.candidates import AVERAGE, LINEAR, MERGES, PRODUCT
from training.comparison.contest import Contest, Entrant, Rows, hold
from training.comparison.metric import Metric
from training.comparison.verdict import judge

# As OpenMoji has them: rows of validation and of test, labels, the share that is right.
ROWS, LABELS, RIGHT = 356, 11, 0.62
# Rows on which a merged network does as the words do; on the others it is right as often, but on its own.
ALIKE = 0.6


def contest(seed: int) -> Contest:
    """Twelve merged networks that are as good as the words alone."""
    random = np.random.default_rng(seed)
    targets = np.arange(ROWS, dtype=np.int32) % LABELS
    words = [random.random(ROWS) < RIGHT for _ in range(2)]
    wrong = [np.zeros(ROWS, bool)] * 2

    def merged() -> list[NDArray[np.bool_]]:
        return [np.where(random.random(ROWS) < ALIKE, one, random.random(ROWS) < RIGHT) for one in words]

    def entrant(name: str, role: str, modality: str | None, right: list[NDArray[np.bool_]]) -> Entrant:
        answers = Answers(*(_answers(one, targets) for one in right))
        return Entrant(name, role, modality, [answers])  # type: ignore[arg-type]

    entrants = [
        entrant(LINEAR, "linear", "words", wrong),
        entrant("picture", "alone", "picture", wrong),
        entrant("words", "alone", "words", words),
        *(entrant(name, "ensemble", None, wrong) for name in (AVERAGE, PRODUCT)),
        *(entrant(name, "merged", None, merged()) for name in MERGES),
    ]
    labels = tuple(f"label {number}" for number in range(LABELS))
    return hold(entrants, Rows(SingleLabelHead(labels=labels), targets, targets, targets), Metric())


def main(sets: int) -> None:
    """Prints the counts."""
    kinds: Counter[str] = Counter()
    by_test = 0
    for seed in range(sets):
        found = contest(seed)
        kinds[judge(found).kind] += 1
        by_test += max(found.of_role("merged"), key=lambda one: one.test.value).gain.low > 0
    print(f"{sets} made-up sets on which no merge gains anything, {ROWS} test rows")
    print(f"  merge chosen on validation: says that merging helps on {kinds['helps']}; {dict(kinds)}")
    print(f"  merge chosen on test:       would say so on {by_test}")


def _answers(right: NDArray[np.bool_], targets: NDArray[np.int32]) -> NDArray[np.float32]:
    probabilities = np.full((ROWS, LABELS), 0.03, np.float32)
    probabilities[np.arange(ROWS), np.where(right, targets, (targets + 1) % LABELS)] = 0.7
    return probabilities


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
