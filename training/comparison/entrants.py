"""From what was measured to who enters a contest: answers are calibrated here, and the ensembles made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from training.comparison import ensemble
from training.comparison.answers import Answers, calibrated, logits
from training.comparison.candidates import AVERAGE, Candidate, Lineup
from training.comparison.contest import Entrant, Rows, rank
from training.comparison.ensemble import Floats
from training.comparison.metric import Metric
from training.comparison.parts import Measured

# Of each candidate but the ensembles, one for each seed.
AllMeasured = Mapping[str, Sequence[Measured]]
AllAnswers = Mapping[str, Sequence[Answers]]


def answers(measured: AllMeasured, head: str, rows: Rows) -> AllAnswers:
    """The calibrated answers to one head.

    Args:
        measured: all but the ensembles.
        head: its name.
        rows: its right answers.
    """
    return {
        name: [calibrated(rows.head, one.validation[head], one.test[head], rows.validation) for one in of_seeds]
        for name, of_seeds in measured.items()
    }


def the_two(lineup: Lineup, said: AllAnswers, rows: Rows, metric: Metric) -> list[str]:
    """For each modality its network that is best on validation: what an ensemble is made of."""
    alone = [one for one in lineup.candidates if one.role == "alone"]
    return [
        max((one.name for one in alone if one.modality == modality), key=lambda name: rank(said[name], rows, metric))
        for modality in ("picture", "words")
    ]


def entrants(lineup: Lineup, said: AllAnswers, pair: Sequence[str], rows: Rows) -> list[Entrant]:
    """The answers of every candidate to one head.

    Args:
        lineup: the candidates.
        said: by all but the ensembles.
        pair: the networks that an ensemble is made of.
        rows: the right answers.
    """
    return [
        Entrant(
            one.name,
            one.role,
            one.modality,
            _together(one, [said[name] for name in pair], rows) if one.role == "ensemble" else said[one.name],
        )
        for one in lineup.candidates
    ]


def _together(candidate: Candidate, pair: Sequence[Sequence[Answers]], rows: Rows) -> list[Answers]:
    """An ensemble of the two networks of each seed: calibrated like them, as two that are right are surer together."""

    def both(first: Floats, second: Floats) -> Floats:
        if candidate.name == AVERAGE:
            return logits(rows.head, ensemble.average(first, second))
        return logits(rows.head, ensemble.product(rows.head, first, second))

    return [
        calibrated(rows.head, both(one.validation, two.validation), both(one.test, two.test), rows.validation)
        for one, two in zip(*pair, strict=True)
    ]
