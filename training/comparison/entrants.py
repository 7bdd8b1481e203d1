"""From what was measured to who enters a contest: the ensembles are made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from training.comparison import ensemble
from training.comparison.candidates import AVERAGE, Candidate, Lineup
from training.comparison.contest import Entrant, Rows
from training.comparison.metric import Metric
from training.comparison.parts import Measured, Probabilities

# Of each candidate, one for each seed.
AllMeasured = Mapping[str, Sequence[Measured]]


def entrants(lineup: Lineup, measured: AllMeasured, head: str, rows: Rows, metric: Metric) -> list[Entrant]:
    """The answers of every candidate to one head.

    Args:
        lineup: the candidates.
        measured: all but the ensembles.
        head: its name.
        rows: its right answers.
        metric: by which the networks that an ensemble is made of are chosen, on validation.
    """
    pair = [measured[name] for name in the_two(lineup, measured, head, rows, metric)]
    return [
        _entrant(one, _together(one, head, rows, pair) if one.role == "ensemble" else measured[one.name], head)
        for one in lineup.candidates
    ]


def the_two(lineup: Lineup, measured: AllMeasured, head: str, rows: Rows, metric: Metric) -> list[str]:
    """For each modality its network that is best on validation: what an ensemble is made of."""

    def rank(name: str) -> tuple[float, ...]:
        found = [metric.rank(rows.head, one.validation[head], rows.validation) for one in measured[name]]
        return tuple(np.mean(found, axis=0))

    alone = [one for one in lineup.candidates if one.role == "alone"]
    return [max((one.name for one in alone if one.modality == modality), key=rank) for modality in ("picture", "words")]


def _together(candidate: Candidate, head: str, rows: Rows, pair: Sequence[Sequence[Measured]]) -> list[Measured]:
    """An ensemble of the two networks of each seed."""

    def both(first: Probabilities, second: Probabilities) -> Probabilities:
        if candidate.name == AVERAGE:
            return {head: ensemble.average(first[head], second[head])}
        return {head: ensemble.product(rows.head, first[head], second[head])}

    return [
        Measured(
            one.seed,
            one.seconds + two.seconds,
            one.parameters + two.parameters,
            {},
            both(one.validation, two.validation),
            both(one.test, two.test),
        )
        for one, two in zip(*pair, strict=True)
    ]


def _entrant(candidate: Candidate, found: Sequence[Measured], head: str) -> Entrant:
    return Entrant(
        candidate.name,
        candidate.role,
        candidate.modality,
        [one.validation[head] for one in found],
        [one.test[head] for one in found],
    )
