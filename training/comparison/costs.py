"""What each candidate costs: parameters, the time of a training, the time of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from model.build import build
from model.encoder import Encoder
from model.rebuild import vocabulary_sizes
from model.signature import presence_of
from model.spec import ModelSpec
from training.comparison import fingerprint, latency
from training.comparison.baseline import Baseline
from training.comparison.candidates import Lineup
from training.comparison.entrants import AllMeasured
from training.comparison.metric import Metric
from training.comparison.trainings import Trainings
from training.loop import forward_pass
from training.pipeline import Examples


@dataclass(frozen=True)
class Cost:
    """What a candidate costs.

    Args:
        parameters: numbers that are learned.
        seconds: of one training, the mean over the seeds.
        milliseconds: of the answer to one example, the median.
    """

    parameters: int
    seconds: float
    milliseconds: float


def costs(
    lineup: Lineup, measured: AllMeasured, pair: Sequence[str], milliseconds: Mapping[str, float]
) -> dict[str, Cost]:
    """The costs of every candidate; an ensemble's are those of its two networks.

    Args:
        lineup: the candidates.
        measured: all but the ensembles.
        pair: the networks that an ensemble is made of.
        milliseconds: of all but the ensembles.
    """
    found = {
        name: Cost(of_seeds[0].parameters, float(np.mean([one.seconds for one in of_seeds])), milliseconds[name])
        for name, of_seeds in measured.items()
    }
    two = [found[name] for name in pair]
    both = Cost(*(sum(getattr(one, key) for one in two) for key in ("parameters", "seconds", "milliseconds")))
    return {one.name: found.get(one.name, both) for one in lineup.candidates}


def milliseconds(
    lineup: Lineup, measured: AllMeasured, trainings: Trainings, heads: Sequence[str], metric: Metric
) -> dict[str, float]:
    """How long one example takes, tokenizing and all; measured by turns, so anew whenever a candidate joins.

    Networks are built anew for it, with weights of chance, which take as long as any: so it does not matter which were
    trained now and which before.

    Args:
        lineup: the candidates.
        measured: all but the ensembles.
        trainings: examples and vocabularies.
        heads: of the baseline.
        metric: of the baseline.
    """
    linear = [one.name for one in lineup.candidates if one.role == "linear"]
    strengths = measured[linear[0]][0].chosen["strength"]
    digest = fingerprint.digest(
        {
            "code": fingerprint.of_code(),
            "data": trainings.digest,
            "specs": {one.name: one.spec.model_dump(mode="json") for one in lineup.networks if one.spec is not None},
            "linear": strengths,
        }
    )
    if found := trainings.parts.recall("latency", digest):
        return {str(name): float(value) for name, value in found.items()}
    with trainings.reporter.task("Timing") as task:
        models: dict[str, Callable[[], object]] = {}
        for number, one in enumerate(lineup.networks, start=1):
            if one.spec is not None:
                models[one.name] = _network(one.spec, trainings.vocabularies, trainings.data.val.only(one.spec))
            task.update(number, len(lineup.networks))
        baseline = Baseline.learn(trainings.data, heads, metric.rank, strengths)
        example = _example(trainings.data.val)
        models[linear[0]] = lambda: baseline.answer(example)
        times = latency.milliseconds(models)
    trainings.parts.remember("latency", digest, times)
    return times


def _network(spec: ModelSpec, vocabularies: Mapping[str, Path], examples: Examples) -> Callable[[], object]:
    """Answers one example by the compiled forward function of a network."""
    files = {name: file for name, file in vocabularies.items() if name in spec.branches}
    encoder = Encoder(spec, files)
    forward = forward_pass(build(spec, vocabulary_sizes(files)), encoder, spec)
    tensors = {
        name: tf.constant(value) for name, value in _example(examples).items() if name in encoder.input_signature
    }
    return lambda: {head: logits.numpy() for head, logits in forward(tensors).items()}


def _example(examples: Examples) -> dict[str, np.ndarray]:
    """The first row with most inputs given, and the others taken as given: nothing is skipped."""
    given = np.sum(list(examples.present.values()), axis=0)
    tensors = examples.batch(np.array([int(given.argmax())]))
    return tensors | {presence_of(name): np.ones(1, bool) for name in examples.present}
