"""Who is better than whom, and how sure that is: chosen on validation, measured on test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.errors import SpecError
from model.spec import Head, MultiLabelHead
from training.comparison.candidates import Role
from training.comparison.metric import Metric
from training.evaluation.bootstrap import Draws, Floats, Interval, intervals
from training.pipeline import Targets

NOTHING = Interval(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Entrant:
    """What one candidate answered.

    Args:
        name: of the candidate.
        role: `linear`, `alone`, `ensemble` or `merged`.
        modality: `picture` or `words`; None for both.
        validation: float32 (rows, classes) for each seed.
        test: the same of the test split.
    """

    name: str
    role: Role
    modality: str | None
    validation: Sequence[NDArray[np.float32]]
    test: Sequence[NDArray[np.float32]]


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
    ranks = {
        one.name: np.mean([metric.rank(rows.head, answers, rows.validation) for answers in one.validation], axis=0)
        for one in entrants
    }

    def best(*roles: Role) -> str:
        return max((one.name for one in entrants if one.role in roles), key=lambda name: tuple(ranks[name]))

    alone, ensemble, merged = best("linear", "alone"), best("ensemble"), best("merged")
    names = [one.name for one in entrants]
    by_seed = [[metric.on(rows.head, answers, rows.test) for answers in one.test] for one in entrants]
    draws = Draws(len(rows.test), groups=rows.groups)

    def figures(counts: Floats) -> Floats:
        """Float64 (resamples, entrants)."""
        return np.stack([np.mean([seed(counts) for seed in seeds], axis=0) for seeds in by_seed], axis=1)

    def differences(counts: Floats) -> Floats:
        """Better than the best alone, better than the merged one: float64 (resamples, 2 * entrants)."""
        found = metric.sign * figures(counts)
        return np.concatenate([found - found[:, [names.index(one)]] for one in (alone, merged)], axis=1)

    levels = _defined(intervals(figures, draws, bounds=metric.bounds), metric)
    gained = _defined(intervals(differences, draws, bounds=metric.difference_bounds), metric)
    every = np.ones((1, len(rows.test)))
    standings = {
        one.name: Standing(
            one.name,
            one.role,
            one.modality,
            metric.sign * float(ranks[one.name][0]),
            levels[index],
            tuple(float(seed(every)[0]) for seed in by_seed[index]),
            NOTHING if one.name == alone else gained[index],
            NOTHING if one.name == merged else gained[len(names) + index],
        )
        for index, one in enumerate(entrants)
    }
    return Contest(
        metric,
        standings,
        float(metric.on(rows.head, _constant(rows), rows.test)(every)[0]),
        alone,
        merged,
        ensemble,
        len(rows.test),
        max(len(one.test) for one in entrants),
    )


def _defined(found: Sequence[Interval | None], metric: Metric) -> list[Interval]:
    if any(one is None for one in found):
        raise SpecError(
            f"--metric: {metric.name} is undefined on the test rows, as some label never occurs among them. "
            "Choose another."
        )
    return [one for one in found if one is not None]


def _constant(rows: Rows) -> NDArray[np.float32]:
    """What one answers who knows nothing but how often each label was right in training: float32 (rows, classes)."""
    if isinstance(rows.head, MultiLabelHead):
        sets, counts = np.unique(rows.train, axis=0, return_counts=True)
        share = rows.train.mean(axis=0)
        # Of all sets of labels the commonest, and otherwise as sure as that leaves one.
        answer = np.where(sets[counts.argmax()], np.maximum(share, 0.5), np.minimum(share, 0.499))
    else:
        answer = np.bincount(rows.train, minlength=len(rows.head.labels)) / len(rows.train)
    return np.tile(answer.astype(np.float32), (len(rows.test), 1))
