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

from model import heads
from model.encoder import Encoder
from model.errors import SpecError
from training.pipeline import Examples, in_order, shuffled
from training.recipe import TrainingSettings

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
    step = _training_step(network, encoder, _optimizer(settings, steps_per_epoch, total_steps))
    forward = forward_pass(network, encoder)

    history: list[Epoch] = []
    best: tuple[float, float] | None = None
    best_weights: list[NDArray[np.float32]] = network.get_weights()
    since_best = 0
    for number in range(1, settings.epochs + 1):
        started = time.perf_counter()
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

        val_loss, val_accuracy = _validate(predict_logits(forward, validation), validation)
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
        if settings.patience is not None and since_best >= settings.patience:
            break
    network.set_weights(best_weights)
    return history


def forward_pass(network: keras.Model, encoder: Encoder) -> Forward:
    """The network without dropout as one compiled function: tensors of `serving_inputs` -> logits of each head."""

    @tf.function(input_signature=[encoder.input_signature], autograph=False)
    def forward(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return network(encoder(tensors), training=False)

    return forward


def predict_logits(forward: Forward, examples: Examples) -> dict[str, NDArray[np.float32]]:
    """The logits of each head for all examples, in order: float32 (examples, classes)."""
    parts = [forward(_constants(batch)) for batch in in_order(examples, EVALUATION_BATCH_SIZE)]
    return {head: np.concatenate([part[head].numpy() for part in parts]) for head in parts[0]}


def _training_step(
    network: keras.Model, encoder: Encoder, optimizer: keras.optimizers.Optimizer
) -> Callable[[dict[str, tf.Tensor], dict[str, tf.Tensor]], tf.Tensor]:
    variables = network.trainable_variables
    optimizer.build(variables)

    targets_signature = {head: tf.TensorSpec([None], tf.int32) for head in network.output}

    # One graph for every batch size; otherwise the last, smaller batch would be traced anew.
    @tf.function(input_signature=[encoder.input_signature, targets_signature], autograph=False)
    def step(tensors: dict[str, tf.Tensor], targets: dict[str, tf.Tensor]) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = network(encoder(tensors), training=True)
            loss = tf.add_n([heads.loss(logits[head], targets[head]) for head in targets])
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.apply(gradients, variables)
        return loss

    return step


def _optimizer(settings: TrainingSettings, warmup_steps: int, total_steps: int) -> keras.optimizers.Optimizer:
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101) with a linear rise and a fall along a cosine to zero."""
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=settings.learning_rate,
        warmup_steps=min(warmup_steps, total_steps - 1),
        decay_steps=max(total_steps - warmup_steps, 1),
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay, global_clipnorm=1.0)
    # Decay pulls weights to zero to keep them small; biases, scales and the vectors of absent inputs have no such need.
    optimizer.exclude_from_weight_decay(var_names=["bias", "scale", "offset", "absent"])
    return optimizer


def _validate(logits: dict[str, NDArray[np.float32]], examples: Examples) -> tuple[float, float]:
    """Loss summed over the heads in nats, and their mean accuracy."""
    losses, accuracies = [], []
    for head, values in logits.items():
        target = examples.targets[head]
        losses.append(float(heads.loss(tf.constant(values), tf.constant(target))))
        accuracies.append(float((values.argmax(axis=1) == target).mean()))
    return sum(losses), float(np.mean(accuracies))


def _constants(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, tf.Tensor]:
    return {name: tf.constant(array) for name, array in arrays.items()}
