"""Who is better than whom, and how sure that is: chosen on validation, measured on test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from model.errors import SpecError
from model.spec import Head, MultiLabelHead
from training.comparison.answers import Answers
from training.comparison.candidates import Role
from training.comparison.metric import Metric
from training.evaluation.bootstrap import Draws, Floats, Interval, Replicates, replicate
from training.evaluation.measured import commonest, draws
from training.pipeline import Targets

NOTHING = Interval(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Entrant:
    """What one candidate answered.

    Args:
        name: of the candidate.
        role: `linear`, `alone`, `ensemble` or `merged`.
        modality: `picture` or `words`; None for both.
        answers: for each seed.
    """

    name: str
    role: Role
    modality: str | None
    answers: Sequence[Answers]


@dataclass(frozen=True)
class Rows:
    """The right answers of one head.

    Args:
        head: with labels.
        train, validation, test: of each split.
        groups: (test rows,), whose equal values are drawn together; None if every row stands for itself.
    """

    head: Head
    train: Targets
    validation: Targets
    test: Targets
    groups: NDArray[np.generic] | None = None


@dataclass(frozen=True)
class Standing:
    """How one candidate did.

    Args:
        name, role, modality: see `Entrant`.
        validation: mean over the seeds.
        test: the same with an interval over the test rows.
        by_seed: the test figure of each seed.
        gain: by how much it is better than the best single modality; nothing for that one.
        lead: by how much it is better than the merged network that validation chose; nothing for that one.
    """

    name: str
    role: Role
    modality: str | None
    validation: float
    test: Interval
    by_seed: tuple[float, ...]
    gain: Interval
    lead: Interval


@dataclass(frozen=True)
class Contest:
    """All standings of one head.

    Args:
        metric: what is compared.
        standings: in the order of the table.
        constant: the metric of the answer that is best without looking, on the test rows.
        alone: the single modality that is best on validation, the linear baseline among them.
        merged: the merged network that is best on validation.
        ensemble: the better of average and product on validation.
        examples: test rows.
        seeds: trainings of each network.
    """

    metric: Metric
    standings: Mapping[str, Standing]
    constant: float
    alone: str
    merged: str
    ensemble: str
    examples: int
    seeds: int

    @property
    def gain(self) -> Interval:
        """What decides: by how much the merged network is better than the single modality."""
        return self.best_merged.gain

    @property
    def best_alone(self) -> Standing:
        """The single modality that all are measured against."""
        return self.standings[self.alone]

    @property
    def best_merged(self) -> Standing:
        """The merged network that decides."""
        return self.standings[self.merged]

    @property
    def best_ensemble(self) -> Standing:
        """The ensemble that the merged one is to beat."""
        return self.standings[self.ensemble]

    def of_role(self, *roles: Role) -> list[Standing]:
        """The standings of some roles."""
        return [one for one in self.standings.values() if one.role in roles]


def hold(entrants: Sequence[Entrant], rows: Rows, metric: Metric) -> Contest:
    """Compares. Who is measured against whom is chosen on validation, so that no luck on the test rows chooses.

    Args:
        entrants: with at least one alone, one ensemble and one merged.
        rows: the right answers.
        metric: what is compared.

    Raises:
        SpecError: if the metric is undefined on the test rows.
    """
    ranks = {one.name: rank(one.answers, rows, metric) for one in entrants}

    def best(*roles: Role) -> str:
        return max((one.name for one in entrants if one.role in roles), key=lambda name: ranks[name])

    alone, ensemble, merged = best("linear", "alone"), best("ensemble"), best("merged")
    names = [one.name for one in entrants]
    by_seed = [
        [metric.on(rows.head, said.test, rows.test, said.thresholds) for said in one.answers] for one in entrants
    ]

    def figures(counts: Floats) -> Floats:
        """Float64 (resamples, entrants)."""
        return np.stack([np.mean([seed(counts) for seed in seeds], axis=0) for seeds in by_seed], axis=1)

    def over(name: str, found: Floats) -> Floats:
        """How much better each is than one of them: float64 (..., entrants)."""
        return metric.sign * (found - found[..., [names.index(name)]])

    drawn = replicate(figures, _draws(entrants, rows, metric))
    levels = _intervals(drawn, metric.bounds, metric)
    gains, leads = (
        _intervals(
            replace(drawn, values=over(one, drawn.values), drawn=over(one, drawn.drawn)),
            metric.difference_bounds,
            metric,
        )
        for one in (alone, merged)
    )
    every = np.ones((1, len(rows.test)))
    standings = {
        one.name: Standing(
            one.name,
            one.role,
            one.modality,
            metric.sign * ranks[one.name][0],
            levels[index],
            tuple(float(seed(every)[0]) for seed in by_seed[index]),
            NOTHING if one.name == alone else gains[index],
            NOTHING if one.name == merged else leads[index],
        )
        for index, one in enumerate(entrants)
    }
    return Contest(
        metric,
        standings,
        _constant(rows, metric),
        alone,
        merged,
        ensemble,
        len(rows.test),
        max(len(one.answers) for one in entrants),
    )


def rank(answers: Sequence[Answers], rows: Rows, metric: Metric) -> tuple[float, ...]:
    """How good they are on validation, the mean over the seeds; see `Metric.rank`."""
    found = [metric.rank(rows.head, one.validation, rows.validation, one.thresholds) for one in answers]
    return tuple(np.mean(found, axis=0).tolist())


def _draws(entrants: Sequence[Entrant], rows: Rows, metric: Metric) -> Draws:
    if not metric.is_area:
        return Draws(len(rows.test), groups=rows.groups)
    return draws(len(rows.test), sum(said.test.size for one in entrants for said in one.answers), rows.groups)


def _intervals(drawn: Replicates, bounds: tuple[float, float] | None, metric: Metric) -> list[Interval]:
    found = [drawn.interval(figure, bounds=bounds) for figure in range(len(drawn.values))]
    if any(one is None for one in found):
        raise SpecError(
            f"--metric: {metric.name} is undefined on the test rows, as some label never occurs among them. "
            "Choose another."
        )
    return [one for one in found if one is not None]


def _constant(rows: Rows, metric: Metric) -> float:
    """The figure of who knows nothing but how often each label was right in training."""
    thresholds = None
    if isinstance(rows.head, MultiLabelHead):
        share = rows.train.mean(axis=0)
        # Whatever the shares are, the set of labels that is commonest.
        thresholds = np.where(np.isin(rows.head.labels, commonest(rows.head, rows.train)), 0.0, 2.0)
    else:
        share = np.bincount(rows.train, minlength=len(rows.head.labels)) / len(rows.train)
    answers = np.tile(share.astype(np.float32), (len(rows.test), 1))
    return float(metric.on(rows.head, answers, rows.test, thresholds)(np.ones((1, len(rows.test))))[0])
