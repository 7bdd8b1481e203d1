"""A scored row, and the columns that it has in the result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.errors import SpecError
from model.spec import ModelSpec, MultiLabelHead
from service.engine import Answered
from service.thresholds import NO_THRESHOLDS, Thresholds, given

# What a cell of the result holds; None is empty.
Cell = int | float | str | None


@dataclass(frozen=True)
class Bad:
    """Why a row can't be scored.

    Args:
        reason: what is wrong with it.
        column: of the manifest, if it is about one.
    """

    reason: str
    column: str | None = None


@dataclass(frozen=True)
class Scored:
    """What became of a row.

    Args:
        number: of the row in the manifest; the first one is 1.
        outcome: what the model said, or why it could not be asked.
    """

    number: int
    outcome: Answered | Bad


def schema_of(spec: ModelSpec) -> dict[str, type[Cell]]:
    """The columns of the result and what they hold.

    `row`; for each head `<head>`, the label, or the labels joined as in the manifest, `<head>_probability`, that of the
    most probable one, and `<head>:<label>` for each label; `absent`, inputs joined by commas; `error`.

    Raises:
        SpecError: if a head is called so that two columns would have one name.
    """
    columns: list[tuple[str, type[Cell]]] = [("row", int)]
    for head, one in spec.heads.items():
        columns += [(head, str), (f"{head}_probability", float)]
        columns += [(f"{head}:{label}", float) for label in one.labels]
    columns += [("absent", str), ("error", str)]
    names = [name for name, _ in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError(f"The result would have two columns {twice[0]!r}: a head of the model is called so. Rename it.")
    return dict(columns)


def cells_of(spec: ModelSpec, scored: Scored, thresholds: Thresholds = NO_THRESHOLDS) -> list[Cell]:
    """The cells of a row in the order of `schema_of`.

    Args:
        spec: of the model.
        scored: the row.
        thresholds: of the model.
    """
    outcome = scored.outcome
    if isinstance(outcome, Bad):
        empty = sum(2 + len(head.labels) for head in spec.heads.values())
        return [scored.number, *[None] * empty, None, outcome.reason]
    cells: list[Cell] = [scored.number]
    for head, one in spec.heads.items():
        # The shortest number that is this float32, as 0.1 and not 0.10000000149011612.
        values = [float(text) for text in outcome.probabilities[head].astype(str)]
        first = int(np.argmax(outcome.probabilities[head]))
        label = one.labels[first]
        if isinstance(one, MultiLabelHead):
            chosen = given(one, outcome.probabilities[head], thresholds.get(head)).tolist()
            label = one.delimiter.join(name for name, is_given in zip(one.labels, chosen, strict=True) if is_given)
        cells += [label, values[first], *values]
    return [*cells, ",".join(outcome.absent), None]
