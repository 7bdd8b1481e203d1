"""Which mistakes of a test split are worth a look: those the model was surest of."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from model.spec import Head, MultiLabelHead

_KINDS = ("label", "predicted")


@dataclass(frozen=True)
class Mistake:
    """A test row that a head got wrong.

    Args:
        row: its number in the manifest.
        head: that was wrong.
        right: the right label, or several as the manifest has them.
        predicted: what was predicted instead, likewise.
        label: the wrong label, or with several the one that was furthest off.
        probability: of that label.
        right_probability: of the right label; None for a head with several.
    """

    row: int
    head: str
    right: str
    predicted: str
    label: str
    probability: float
    right_probability: float | None


def worst(predictions: pl.DataFrame, name: str, head: Head, *, count: int) -> list[Mistake]:
    """The mistakes of a head, worst first: wrong with the highest probability.

    So that one hard label does not fill the list, a right label has at most twice its even share of it, as long as
    there are others.

    Args:
        predictions: as `predictions.csv` has them, all columns strings.
        name: of the head.
        head: with labels.
        count: how many at most.
    """
    made = _multi_label(predictions, name, head) if isinstance(head, MultiLabelHead) else _single(predictions, name)
    return _balanced(made, count)


def _single(predictions: pl.DataFrame, name: str) -> list[Mistake]:
    wrong = predictions.filter(pl.col(f"{name}.label") != pl.col(f"{name}.predicted"))
    made = [
        Mistake(
            row=int(line["row"]),
            head=name,
            right=line[f"{name}.label"],
            predicted=line[f"{name}.predicted"],
            label=line[f"{name}.predicted"],
            probability=float(line[f"{name}:{line[f'{name}.predicted']}"]),
            right_probability=float(line[f"{name}:{line[f'{name}.label']}"]),
        )
        for line in wrong.iter_rows(named=True)
    ]
    return sorted(made, key=lambda one: (-one.probability, one.row))


def _multi_label(predictions: pl.DataFrame, name: str, head: MultiLabelHead) -> list[Mistake]:
    wrong = predictions.filter(pl.col(f"{name}.label") != pl.col(f"{name}.predicted"))
    probabilities = wrong.select(pl.col(f"{name}:{label}").cast(pl.Float64) for label in head.labels).to_numpy()
    index = {label: number for number, label in enumerate(head.labels)}
    made: list[tuple[float, Mistake]] = []
    for line, values in zip(wrong.iter_rows(named=True), probabilities, strict=True):
        sets = [{one for one in (line[f"{name}.{kind}"] or "").split(head.delimiter) if one} for kind in _KINDS]
        differs = [index[label] for label in sets[0] ^ sets[1]]
        # How far off: all of it for a label that is not right, what is missing for one that is.
        off = {number: 1 - values[number] if head.labels[number] in sets[0] else values[number] for number in differs}
        if off:
            furthest = max(sorted(off), key=off.__getitem__)
            mistake = Mistake(
                row=int(line["row"]),
                head=name,
                right=line[f"{name}.label"] or "",
                predicted=line[f"{name}.predicted"] or "",
                label=head.labels[furthest],
                probability=float(values[furthest]),
                right_probability=None,
            )
            made.append((float(off[furthest]), mistake))
    return [mistake for _, mistake in sorted(made, key=lambda one: (-one[0], one[1].row))]


def _balanced(mistakes: Sequence[Mistake], count: int) -> list[Mistake]:
    labels = Counter(one.right for one in mistakes)
    share = math.ceil(2 * count / max(len(labels), 1))
    taken: Counter[str] = Counter()
    first: list[Mistake] = []
    later: list[Mistake] = []
    for one in mistakes:
        taken[one.right] += 1
        (first if taken[one.right] <= share else later).append(one)
    chosen = [*first, *later][:count]
    place = {id(one): number for number, one in enumerate(mistakes)}
    return sorted(chosen, key=lambda one: place[id(one)])
