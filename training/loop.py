"""The optimisation: steps over shuffled batches, validation after each epoch, the best epoch's weights kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.encoder import Encoder
from model.errors import SpecError
from model.heads import probabilities
from model.spec import ModelSpec
from training.accuracy import accuracy
from training.freezing import Frozen
from training.objective import Objective
from training.pipeline import Examples, in_order, shuffled
from training.step import Group, compiled
from training.training_settings import TrainingSettings

EVALUATION_BATCH_SIZE = 256

Forward = Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]


@dataclass(frozen=True)
class Epoch:
    """The figures of one epoch; losses in nats, summed over the heads, accuracies their mean.

    Args:
        epoch: counted from 1.
        loss: mean over the training examples, with dropout and withheld inputs.
        val_loss: over the validation split.
        val_accuracy: over the validation split.
        seconds: of the whole epoch.
        examples_per_s: training examples by the seconds of their steps.
    """

    epoch: int
    loss: float
    val_loss: float
    val_accuracy: float
    seconds: float
    examples_per_s: float

    def as_dict(self) -> dict[str, float]:
        """By name, as the log holds it."""
        return asdict(self)


@dataclass(frozen=True)
class Listener:
    """Who is told how training goes.

    Args:
        step: called after each step with steps done, steps in all and the loss of the step.
        epoch: called after each epoch with its figures and whether it is the best so far.
    """

    step: Callable[[int, int, float], None]
    epoch: Callable[[Epoch, bool], None]


def train(
    network: keras.Model,
    encoder: Encoder,
    spec: ModelSpec,
    *,
    training: Examples,
    validation: Examples,
    settings: TrainingSettings,
    listener: Listener,
) -> list[Epoch]:
    """Trains a network in place and leaves it with the weights of its best epoch.

    Args:
        network: of `model.build`.
        encoder: its tokenizers.
        spec: of the network.
        training: the rows to learn from.
        validation: the rows that choose the epoch.
        settings: epochs, batch size, rates, seed.
        listener: told of steps and epochs.

    Returns:
        The figures of every epoch.

    Raises:
        SpecError: if the loss is no longer a number.
    """
    steps_per_epoch = math.ceil(len(training) / settings.batch_size)
    total_steps = steps_per_epoch * settings.epochs
    objective = Objective(spec, training.targets)
    frozen = Frozen(network, settings.freeze)
    groups = [Group(network.trainable_variables, settings, warmup_steps=steps_per_epoch, total_steps=total_steps)]
    step = compiled(network, encoder, objective, groups)
    forward = forward_pass(network, encoder, spec)

    history: list[Epoch] = []
    best: tuple[float, float] | None = None
    best_weights: list[NDArray[np.float32]] = network.get_weights()
    since_best = 0
    for number in range(1, settings.epochs + 1):
        started = time.perf_counter()
        if number == settings.unfreeze_at_epoch:
            frozen.thaw()
            since_best = 0  # what trains from now on is to have its chance
            groups += _thawed(network, groups[0], settings, steps_per_epoch, number)
            step = compiled(network, encoder, objective, groups)
        losses, sizes = [], []
        batches = shuffled(
            training, settings.batch_size, absent_rate=settings.absent_rate, seed=(settings.seed, number)
        )
        for batch, targets in batches:
            losses.append(float(step(_constants(batch), _constants(targets))))
            sizes.append(len(next(iter(targets.values()))))
            if not math.isfinite(losses[-1]):
                raise SpecError(
                    f"The loss became {losses[-1]} in epoch {number}: training diverged. "
                    f"Lower training.learning_rate (it is {settings.learning_rate:g})."
                )
            listener.step(len(losses) + (number - 1) * steps_per_epoch, total_steps, losses[-1])
        trained = time.perf_counter()

        val_loss, val_accuracy = _validate(spec, objective, predict_logits(forward, validation), validation)
        epoch = Epoch(
            number,
            float(np.average(losses, weights=sizes)),
            val_loss,
            val_accuracy,
            time.perf_counter() - started,
            len(training) / (trained - started),
        )
        history.append(epoch)
        # Higher is better; the second figure decides between equals.
        score = (val_accuracy, -val_loss) if settings.monitor == "accuracy" else (-val_loss, val_accuracy)
        is_best = best is None or score > best
        listener.epoch(epoch, is_best)
        since_best += 1
        if is_best:
            best, best_weights, since_best = score, network.get_weights(), 0
        is_second_phase = number >= (settings.unfreeze_at_epoch or 0)
        if settings.patience is not None and since_best >= settings.patience and is_second_phase:
            break
    network.set_weights(best_weights)
    return history


def forward_pass(network: keras.Model, encoder: Encoder, spec: ModelSpec) -> Forward:
    """The network without dropout as one compiled function: tensors of `serving_inputs` -> logits of each head."""

    @tf.function(input_signature=[encoder.input_signature], autograph=False)
    def forward(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = network(encoder(tensors), training=False)
        return {head: outputs[head] for head in spec.heads}

    return forward


def predict_logits(forward: Forward, examples: Examples) -> dict[str, NDArray[np.float32]]:
    """The logits of each head for all examples, in order: float32 (examples, classes)."""
    parts = [forward(_constants(batch)) for batch in in_order(examples, EVALUATION_BATCH_SIZE)]
    return {head: np.concatenate([part[head].numpy() for part in parts]) for head in parts[0]}


def _thawed(
    network: keras.Model, trained: Group, settings: TrainingSettings, steps_per_epoch: int, epoch: int
) -> list[Group]:
    """The weights that train from an epoch on, if any do."""
    known = {id(variable) for variable in trained.variables}
    variables = [variable for variable in network.trainable_variables if id(variable) not in known]
    left = (settings.epochs - epoch + 1) * steps_per_epoch
    return [Group(variables, settings, warmup_steps=steps_per_epoch, total_steps=left)] if variables else []


def _validate(
    spec: ModelSpec, objective: Objective, logits: dict[str, NDArray[np.float32]], examples: Examples
) -> tuple[float, float]:
    """Loss as in training without auxiliary copies, in nats, and the mean of the heads' accuracies."""
    loss = objective(_constants(logits), _constants(examples.targets))
    accuracies = [
        accuracy(head, probabilities(head, logits[name]).numpy(), examples.targets[name])
        for name, head in spec.heads.items()
    ]
    return float(loss), float(np.mean(accuracies))


def _constants(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(array) for name, array in arrays.items()}
