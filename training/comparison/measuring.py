"""Training every candidate for every seed, or finding what was trained before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from model.errors import SpecError
from training.comparison.candidates import Candidate, Lineup
from training.comparison.metric import Metric
from training.comparison.parts import Measured
from training.progress import Reporter


class Trains(Protocol):
    """What trains or finds; see `training.comparison.trainings.Trainings`."""

    @property
    def reporter(self) -> Reporter: ...

    def network(self, candidate: Candidate, seed: int, *, place: str) -> tuple[Measured, bool]: ...

    def linear(self, name: str, heads: Sequence[str], metric: Metric) -> tuple[Measured, bool]: ...


def measure(
    lineup: Lineup, trainings: Trains, seeds: Sequence[int], heads: Sequence[str], metric: Metric
) -> tuple[dict[str, list[Measured]], dict[str, str]]:
    """Measures all candidates but the ensembles, which are made of others.

    Args:
        lineup: the candidates.
        trainings: what trains or finds.
        seeds: of the trainings of each network.
        heads: of the baseline.
        metric: of the baseline.

    Returns:
        What was measured of each candidate, for each seed; and the merged ones that can't be trained, with the reason.

    Raises:
        SpecError: if a network of one modality can't be trained, or none of the merged ones.
    """
    say = trainings.reporter.say
    measured: dict[str, list[Measured]] = {}
    failed: dict[str, str] = {}
    reused = number = 0
    for one in lineup.candidates:
        if one.role == "linear":
            part, was_there = trainings.linear(one.name, heads, metric)
            measured[one.name] = [part]
            say(_line(one.name, part, was_there))
    total = len(lineup.networks) * len(seeds)
    # Seed by seed: what one stops in the middle of has all candidates, of fewer seeds.
    for seed in seeds:
        for one in lineup.networks:
            number += 1
            if one.name in failed:
                continue
            try:
                part, was_there = trainings.network(one, seed, place=f"{number} of {total}")
            except SpecError as error:
                if one.role == "alone":
                    raise
                failed[one.name] = str(error)
                measured.pop(one.name, None)
                say(f"warning: {one.name} is left out: {error}")
                continue
            measured.setdefault(one.name, []).append(part)
            reused += was_there
            say(f"{number}/{total} {_line(one.name, part, was_there)}")
    if reused:
        say(f"{reused} of {total} trainings were finished before and are used again")
    if not any(one.role == "merged" and one.name in measured for one in lineup.networks):
        raise SpecError("None of the merged networks can be trained:\n" + "\n".join(failed.values()))
    return measured, failed


def _line(name: str, part: Measured, was_there: bool) -> str:
    how = "finished before" if was_there else f"{part.seconds:.0f} s"
    chosen = f", epoch {part.chosen['epoch']} of {part.chosen['epochs']} kept" if "epoch" in part.chosen else ""
    return f"{name}: seed {part.seed}{chosen}, {how}"
