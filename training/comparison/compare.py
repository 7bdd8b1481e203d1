"""The whole comparison: from examples to standings and verdicts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow as tf

from training.comparison import fingerprint
from training.comparison.candidates import Asked
from training.comparison.contest import Contest, Rows, hold
from training.comparison.costs import Cost, costs, milliseconds
from training.comparison.entrants import answers, entrants, the_two
from training.comparison.lineup import lineup
from training.comparison.measuring import measure
from training.comparison.parts import FOLDER, Parts
from training.comparison.rules import Rules
from training.comparison.trainings import Trainings
from training.comparison.verdict import Verdict, judge
from training.evaluation.rows import groups_of
from training.fit import learn_vocabularies
from training.prepare import Prepared
from training.progress import Reporter
from training.reuse import Reuse
from training.runs import Run
from training.stopping import Stop


@dataclass(frozen=True)
class Comparison:
    """All that came of a comparison.

    Args:
        name: of the recipe.
        contests: the standings of each head that reads what is merged.
        verdicts: of each of these heads.
        costs: of each candidate.
        left_out: candidates and heads that are not compared, and why.
        seeds: of the trainings.
        margin: the least gain that is worth having.
        rows: of each split.
    """

    name: str
    contests: Mapping[str, Contest]
    verdicts: Mapping[str, Verdict]
    costs: Mapping[str, Cost]
    left_out: Mapping[str, str]
    seeds: tuple[int, ...]
    margin: float
    rows: Mapping[str, int]


def compare(data: Prepared, asked: Asked, rules: Rules, *, out: Path, reporter: Reporter, stop: Stop) -> Comparison:
    """Trains what has not been trained yet, and compares.

    Args:
        data: the examples, and the recipe.
        asked: what is varied.
        rules: how it is compared.
        out: finished parts are kept in it; this process is at work in it, see `parts.at_work`.
        reporter: told how it goes.
        stop: asked after each step whether to end there.

    Raises:
        SpecError: if there is nothing to compare, or a network of one modality can't be trained.
        ManifestError: if a text has no words to learn.
        StorageError: if a part can't be kept.
        StoppedError: if it was asked to stop.
    """
    spec = data.recipe.spec
    found = lineup(spec, asked)
    heads = rules.heads(spec)
    reuse = Reuse(data.recipe.training.init).of_branches()
    reuse.check(spec)
    vocabularies = learn_vocabularies(data, Run(out), reuse)
    with reporter.task("Reading the examples") as task:
        digest = fingerprint.of_data(data, task)
    trainings = Trainings(data, digest, vocabularies, reuse, Parts(out / FOLDER), reporter, stop)
    seeds = tuple(data.recipe.training.seed + number for number in range(rules.seeds))
    tf.get_logger().addFilter(_is_no_false_alarm)
    measured, failed = measure(found, trainings, seeds, heads, rules.metric)
    found = replace(
        found,
        candidates=tuple(one for one in found.candidates if one.name not in failed),
        left_out={**found.left_out, **failed},
    )
    contests, pairs = {}, []
    for name in heads:
        rows = _rows(data, name)
        said = answers(measured, name, rows)
        pairs.append(the_two(found, said, rows, rules.metric))
        contests[name] = hold(entrants(found, said, pairs[-1], rows), rows, rules.metric)
    times = milliseconds(found, measured, trainings, heads, rules.metric)
    return Comparison(
        data.recipe.name,
        contests,
        {name: judge(contest, margin=rules.margin) for name, contest in contests.items()},
        costs(found, measured, pairs[0], times),
        {**found.left_out, **_heads_left_out(data)},
        seeds,
        rules.margin,
        {"train": len(data.train), "val": len(data.val), "test": len(data.test)},
    )


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    """TensorFlow tells functions apart by address, which a later network's may have again: it takes both for one."""
    return "triggered tf.function retracing" not in record.getMessage()


def _rows(data: Prepared, head: str) -> Rows:
    train, validation, test = (split.targets[head] for split in (data.train, data.val, data.test))
    return Rows(data.recipe.spec.heads[head], train, validation, test, groups_of(data.manifest, data.test))


def _heads_left_out(data: Prepared) -> dict[str, str]:
    return {
        f"head {name}": f"it reads the branch {head.of} alone, whatever is merged"
        for name, head in data.recipe.spec.heads.items()
        if head.of is not None
    }
