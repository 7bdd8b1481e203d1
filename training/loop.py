"""A training: steps over shuffled batches, validation after each epoch, the best epoch's weights kept."""

from __future__ import annotations

import math
import time
from signal import SIGTERM

import keras
import numpy as np
from numpy.typing import NDArray

from model.branches.convolving import by_winograd
from model.encoder import Encoder
from model.errors import SpecError, StoppedError
from model.native.library import is_supported
from model.spec import ModelSpec
from training.checkpoint import Checkpoint
from training.course import Course
from training.distributed.agreement import broadcast_state, chiefs_course, shared_logits
from training.distributed.replicas import Replicas
from training.epoch import Epoch, Listener
from training.forward import Forward, constants, forward_pass, predict_logits
from training.monitor import Monitor
from training.objective import Objective
from training.optimisation import Optimisation, require_fit
from training.pipeline import Examples, Prefetched, shuffled
from training.pooling import all_pooled, fit_pools
from training.precision import arithmetic
from training.stopping import Stop
from training.training_settings import Convolutions, Precision, TrainingSettings
from training.validation import validate

__all__ = ["Epoch", "Forward", "Listener", "forward_pass", "predict_logits", "train"]


def train(
    network: keras.Model,
    encoder: Encoder,
    spec: ModelSpec,
    *,
    training: Examples,
    validation: Examples,
    settings: TrainingSettings,
    listener: Listener,
    precision: Precision = "float32",
    convolutions: Convolutions = "tensorflow",
    checkpoint: Checkpoint | None = None,
    stop: Stop | None = None,
    forward: Forward | None = None,
    replicas: Replicas | None = None,
) -> Course:
    """Trains a network in place and leaves it with the weights of its best epoch.

    With a checkpoint it goes on from there, and ends with the weights, to the last bit, that it would have ended with
    had it never been broken off: a step hangs on nothing but what is in the checkpoint and on the batch, and a batch on
    nothing but seed, epoch and number. (On one machine, with the same TensorFlow and native code.)

    Args:
        network: of `model.build`.
        encoder: its tokenizers.
        spec: of the network.
        training: the rows to learn from.
        validation: the rows that choose the epoch.
        settings: epochs, batch size, rates, seed.
        listener: told of steps and epochs.
        precision: of the steps; a checkpoint's own counts more.
        convolutions: who computes them in the steps; a checkpoint's own counts more.
        checkpoint: where to write what can be gone on from; None for nowhere.
        stop: asked after each step whether to end there.
        forward: of the network, if there is one.
        replicas: that share each batch out, in whose scope the network was made; None for one alone. Every process of a
            cluster has to call this, the chief with the checkpoint, and all end with the chief's course and weights.

    Returns:
        How it went.

    Raises:
        SpecError: if the loss is no longer a number.
        StorageError: if the checkpoint can't be read or written.
        StoppedError: if it was asked to stop; what was done is in the checkpoint.
        ClusterError: if another process is gone.
    """
    course = Course(precision=precision, convolutions=convolutions)
    forward = forward or forward_pass(network, encoder, spec)
    under_way = _Training(network, encoder, spec, training, validation, settings, course, forward, replicas)
    under_way.go_on_from(checkpoint)
    stop = stop or Stop()
    with stop.deferred():
        under_way.run(listener, stop)
    return under_way.course


class _Training:
    """A training under way; its arguments are those of `train`."""

    def __init__(
        self,
        network: keras.Model,
        encoder: Encoder,
        spec: ModelSpec,
        training: Examples,
        validation: Examples,
        settings: TrainingSettings,
        course: Course,
        forward: Forward,
        replicas: Replicas | None,
    ) -> None:
        self.course = course
        self._replicas = replicas
        self._others = replicas if replicas is not None and replicas.cluster is not None else None
        self._network = network
        self._spec = spec
        self._training = training
        self._validation = validation
        self._settings = settings
        self._steps_per_epoch = math.ceil(len(training) / settings.batch_size)
        self._objective = Objective(spec, training.targets)
        self._optimisation = Optimisation(
            network, encoder, self._objective, settings, steps_per_epoch=self._steps_per_epoch, replicas=replicas
        )
        self._monitor = Monitor(settings.monitor, spec)
        pools = all_pooled(spec)
        self._answers = [*spec.heads, *pools]
        self._forward = forward_pass(network, encoder, spec, names=self._answers) if pools else forward
        self._best_weights: list[NDArray[np.generic]] = network.get_weights()
        self._checkpoint: Checkpoint | None = None
        self._since = time.perf_counter()  # what came before is in the course

    def go_on_from(self, checkpoint: Checkpoint | None) -> None:
        """Takes up what a checkpoint holds, and writes there from now on."""
        self._checkpoint = checkpoint
        arrays = None
        if checkpoint is not None and checkpoint.exists:
            arrays, self.course = checkpoint.read()
            if not is_supported():  # no longer, or on this machine
                self.course.convolutions = "tensorflow"
            best = {f"best/{number}": variable for number, variable in enumerate(self._network.weights)}
            require_fit(best.items(), arrays)
            self._best_weights = [arrays[name] for name in best]
        if self._others is not None:
            self.course = chiefs_course(self.course, self._others)
        if self.course.ended:
            self._network.set_weights(self._best_weights)
        else:
            # What trains from this epoch on does so from its first step on.
            self._optimisation.enter(self.course.epoch if self.course.step else self.course.epoch - 1)
            if arrays is not None:
                self._optimisation.assign(arrays)
            if self._replicas is not None:
                broadcast_state(self._optimisation, self._network, self._replicas)
        if checkpoint is not None and arrays is None:
            self._save()  # where nothing can be written, that is known now
        self._since = time.perf_counter()

    def run(self, listener: Listener, stop: Stop) -> None:
        """Trains to the end."""
        while not self.course.ended:
            self._steps(listener, stop)
            self._end_epoch(listener)
            if self._is_over():
                self._network.set_weights(self._best_weights)
                self.course.ended = True
                self._save()
            else:
                self._save_if_due(after_epoch=True)

    def _steps(self, listener: Listener, stop: Stop) -> None:
        """The steps of the epoch that are left."""
        course, settings = self.course, self._settings
        if self._optimisation.enter(course.epoch):
            course.since_best = 0  # what trains from now on is to have its chance
        batches = shuffled(
            self._training,
            settings.batch_size,
            absent_rate=settings.absent_rate,
            seed=(settings.seed, course.epoch),
            augment=settings.augment,
            skip=course.step,
            part=slice if self._replicas is None else self._replicas.part,
        )
        waited_before = course.waited_s
        native = by_winograd(course.convolutions == "winograd")
        with Prefetched(batches) as ready, arithmetic(course.precision), native:
            for batch, targets in ready:
                rows = min(settings.batch_size, len(self._training) - course.step * settings.batch_size)
                loss, stops = self._optimisation.step(
                    constants(batch), constants(targets), rows=rows, stops=stop.asked is not None
                )
                course.losses.append(loss)
                course.waited_s = waited_before + ready.waited_s
                if not math.isfinite(loss):
                    raise SpecError(
                        f"The loss became {loss} in epoch {course.epoch}: training diverged. "
                        f"Lower training.learning_rate (it is {settings.learning_rate:g})."
                    )
                self._tell_step(listener)
                self._save_if_due()
                if stops or (stop.asked is not None and self._others is None):
                    self._save()
                    raise StoppedError(
                        f"Stopped in epoch {course.epoch} after step {course.step}.", signal=stop.asked or SIGTERM
                    )

    def _tell_step(self, listener: Listener) -> None:
        self._count_time()
        done = (self.course.epoch - 1) * self._steps_per_epoch + self.course.step
        rate = min(self.course.step * self._settings.batch_size, len(self._training)) / self.course.seconds
        listener.step(done, self._steps_per_epoch * self._settings.epochs, self.course.losses[-1], rate)

    def _end_epoch(self, listener: Listener) -> None:
        """Validates, and keeps the weights if they are the best so far."""
        self._count_time()
        course, trained_s = self.course, self.course.seconds
        sizes = np.full(len(course.losses), self._settings.batch_size)
        sizes[-1] = len(self._training) - sizes[:-1].sum()
        with self._optimisation.as_kept():
            logits = self._validation_logits()
            logits |= fit_pools(self._network, self._spec, logits, self._validation.targets)
            found = validate(
                logits,
                self._validation.targets,
                spec=self._spec,
                objective=self._objective,
                monitor=self._monitor,
            )
            best = course.best
            # The loss decides between equals, and the accuracy between equal losses.
            score = self._monitor.score(found.monitored, found.loss, found.accuracy)
            is_best = best is None or score > self._monitor.score(best.monitored, best.val_loss, best.val_accuracy)
            if is_best:
                self._best_weights = self._network.get_weights()
        self._count_time()
        epoch = Epoch(
            epoch=course.epoch,
            loss=float(np.average(course.losses, weights=sizes)),
            val_loss=found.loss,
            val_accuracy=found.accuracy,
            seconds=course.seconds,
            examples_per_s=len(self._training) / trained_s,
            learning_rate=self._optimisation.learning_rate(),
            waited_s=course.waited_s,
            monitored=found.monitored,
            best=is_best,
        )
        course.history.append(epoch)
        course.since_best = 0 if is_best else course.since_best + 1
        course.epoch, course.losses, course.seconds, course.waited_s = course.epoch + 1, [], 0.0, 0.0
        if self._others is not None:
            self.course = chiefs_course(course, self._others)
        listener.epoch(course.history[-1], is_best)

    def _validation_logits(self) -> dict[str, NDArray[np.float32]]:
        if self._others is None:
            return predict_logits(self._forward, self._validation)
        return shared_logits(self._forward, self._validation, self._network, self._answers, self._others)

    def _is_over(self) -> bool:
        settings, done = self._settings, len(self.course.history)
        if done == settings.epochs:
            return True
        is_second_phase = done >= (settings.unfreeze_at_epoch or 0)
        return settings.patience is not None and self.course.since_best >= settings.patience and is_second_phase

    def _count_time(self) -> None:
        now = time.perf_counter()
        self.course.seconds += now - self._since
        self.course.total_s += now - self._since
        self._since = now

    def _save_if_due(self, *, after_epoch: bool = False) -> None:
        if self._checkpoint is not None and self._checkpoint.is_due(after_epoch=after_epoch):
            self._save()

    def _save(self) -> None:
        if self._checkpoint is None:
            return
        best = {f"best/{number}": value for number, value in enumerate(self._best_weights)}
        # A network that is done needs no more than its weights.
        self._checkpoint.write(best if self.course.ended else {**self._optimisation.arrays(), **best}, self.course)
