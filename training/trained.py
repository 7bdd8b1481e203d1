"""A network that was trained for a spec, together with its tokenizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from model import heads
from model.branches.convolving import by_winograd
from model.build import build
from model.encoder import Encoder
from model.rebuild import vocabulary_sizes
from model.spec import ModelSpec
from training.accuracy import accuracy
from training.checkpoint import Checkpoint
from training.convolutions import chosen, require
from training.course import Course
from training.distributed.job import Job, announce, require_same_data
from training.distributed.replicas import Replicas
from training.epoch import Epoch, Listener
from training.forward import Forward, constants, forward_pass, predict_logits
from training.loop import train
from training.objective import Objective
from training.optimisation import Optimisation
from training.pipeline import Examples, shuffled
from training.precision import Trial, trial
from training.prepare import Prepared
from training.reuse import Reuse
from training.start import start
from training.stopping import Stop
from training.training_settings import Precision


@dataclass(frozen=True)
class Trained:
    """A network with the weights of its best epoch.

    Args:
        spec: what was built.
        network: of `model.build`.
        encoder: its tokenizers.
        course: how the training went.
        best: the epoch whose weights were kept.
        forward: tensors of the signature to logits.
    """

    spec: ModelSpec
    network: keras.Model
    encoder: Encoder
    course: Course
    best: Epoch
    forward: Forward

    @property
    def history(self) -> list[Epoch]:
        """The figures of every epoch."""
        return self.course.history

    def logits(self, examples: Examples) -> dict[str, NDArray[np.float32]]:
        """For each head float32 (examples, classes)."""
        return predict_logits(self.forward, examples)

    def probabilities(self, examples: Examples) -> dict[str, NDArray[np.float32]]:
        """For each head float32 (examples, classes)."""
        logits = self.logits(examples)
        return {head: heads.probabilities(self.spec.heads[head], values).numpy() for head, values in logits.items()}

    def accuracy(self, examples: Examples) -> dict[str, float]:
        """For each head its accuracy; see `training.accuracy`."""
        return {
            head: accuracy(self.spec.heads[head], values, examples.targets[head])
            for head, values in self.probabilities(examples).items()
        }


def train_spec(
    spec: ModelSpec,
    data: Prepared,
    vocabulary_files: Mapping[str, Path],
    listener: Listener,
    reuse: Reuse | None = None,
    say: Callable[[str], None] = lambda _: None,
    *,
    checkpoint: Checkpoint | None = None,
    stop: Stop | None = None,
    replicas: Replicas | None = None,
) -> Trained:
    """Builds a spec and trains it with the settings of the data's recipe.

    Args:
        spec: the recipe's, or a part of it with fewer inputs.
        data: the examples.
        vocabulary_files: for each branch with a learned vocabulary, one token a line.
        listener: told of steps and epochs.
        reuse: earlier models to start from; None for none.
        say: told what the network starts from.
        checkpoint: what to go on from, if it is there, and where to write it; None trains in one go.
        stop: asked after each step whether to end there.
        replicas: that share each batch out; None for one alone. The chief of a cluster tells the other workers, which
            have to be waiting in `training.distributed.follow`.

    Raises:
        SpecError: if training diverges, or weights to start from do not fit.
        StorageError: if the checkpoint can't be read or written.
        StoppedError: if it was asked to stop.
        ClusterError: if another worker is gone, or has other rows.
    """
    settings = data.recipe.training
    files = {name: file for name, file in vocabulary_files.items() if name in spec.branches}
    goes_on = checkpoint is not None and checkpoint.exists
    precision: Precision = "float32" if settings.precision == "auto" else settings.precision
    if settings.precision == "auto" and not goes_on:
        tried = precision_trial(spec, data, files)
        say(str(tried))
        precision = tried.chosen
    leads = replicas is None or replicas.is_chief
    # A training that goes on has it from its checkpoint; and of several processes only the chief refuses what can't be
    # done, or the others would be missed without a word.
    if leads and not goes_on:
        require(settings.convolutions)
    convolutions = chosen(settings.convolutions, precision)
    if replicas is not None and leads:
        told = Job.of(spec, data, settings.model_copy(update={"precision": precision}), files)
        announce(told, replicas)
        require_same_data(told, data, replicas)
    keras.utils.set_random_seed(settings.seed)
    encoder = Encoder(spec, files)
    with nullcontext() if replicas is None else replicas.scope():
        network = build(spec, vocabulary_sizes(files))
    if replicas is not None:
        replicas.share_statistics(network)
    # A checkpoint has all weights, and what they once came from may be gone; other workers are given the chief's.
    if leads and not goes_on:
        for line in start(network, spec, files, reuse or Reuse(None), freeze=settings.freeze):
            say(line)
    forward = forward_pass(network, encoder, spec)
    course = train(
        network,
        encoder,
        spec,
        training=data.train.only(spec),
        validation=data.val.only(spec),
        settings=settings,
        listener=listener,
        precision=precision,
        convolutions=convolutions,
        checkpoint=checkpoint,
        stop=stop,
        forward=forward,
        replicas=replicas,
    )
    best = course.best or course.history[-1]
    return Trained(spec, network, encoder, course, best, forward)


def precision_trial(spec: ModelSpec, data: Prepared, vocabulary_files: Mapping[str, Path]) -> Trial:
    """Times steps of a network like the one that will be trained, which knows nothing of it.

    Args:
        spec: of the network.
        data: the examples, and the settings.
        vocabulary_files: for each branch with a learned vocabulary, one token a line.
    """
    settings, examples = data.recipe.training, data.train.only(spec)
    encoder = Encoder(spec, vocabulary_files)
    network = build(spec, vocabulary_sizes(vocabulary_files))
    objective = Objective(spec, examples.targets)
    batches = shuffled(examples, settings.batch_size, absent_rate=settings.absent_rate, seed=(settings.seed, 0))
    few = [(constants(batch), constants(targets)) for batch, targets in islice(batches, 2)]

    def step(precision: Precision) -> Callable[[], object]:
        optimisation = Optimisation(network, encoder, objective, settings, steps_per_epoch=1)
        is_native = chosen(settings.convolutions, precision) == "winograd"
        coming = cycle(few)

        def run() -> None:
            with by_winograd(is_native):
                optimisation.step(*next(coming))

        return run

    return trial({"float32": step("float32"), "bfloat16": step("bfloat16")})
