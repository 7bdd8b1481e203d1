"""The weights of a network under way: what moves them, what averages them, and all of it as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.encoder import Encoder
from model.errors import StorageError
from training.average import Average
from training.distributed.replicas import Replicas
from training.distributed.step import shared
from training.freezing import Frozen
from training.objective import Objective
from training.step import Group, compiled
from training.training_settings import TrainingSettings

Arrays = dict[str, NDArray[np.generic]]
Tensors = Mapping[str, tf.Tensor]


class Optimisation:
    """Moves the weights of a network.

    Args:
        network: of `model.build`.
        encoder: its tokenizers.
        objective: what to make small.
        settings: epochs, rates, what is frozen, the average.
        steps_per_epoch: of which the rates are made.
        replicas: that share each batch out, in whose scope the network was made; None for one alone.
    """

    def __init__(
        self,
        network: keras.Model,
        encoder: Encoder,
        objective: Objective,
        settings: TrainingSettings,
        *,
        steps_per_epoch: int,
        replicas: Replicas | None = None,
    ) -> None:
        self._network = network
        self._encoder = encoder
        self._objective = objective
        self._settings = settings
        self._steps_per_epoch = steps_per_epoch
        self._replicas = replicas
        self._frozen = Frozen(network, settings.freeze)
        self._has_thawed = False
        with self._on_every_device():
            self._groups = [self._group(network.trainable_variables, first_epoch=1)]
            self._average = Average(network.weights, settings.ema_decay) if settings.ema_decay is not None else None
        self._step = self._compiled()

    def enter(self, epoch: int) -> bool:
        """Is told the epoch that is to come, and thaws what is to train from then on.

        Returns:
            Whether something did not train before.
        """
        thaw_at = self._settings.unfreeze_at_epoch
        if thaw_at is None or epoch < thaw_at or self._has_thawed:
            return False
        self._frozen.thaw()
        self._has_thawed = True
        known = {id(variable) for group in self._groups for variable in group.variables}
        thawed = [variable for variable in self._network.trainable_variables if id(variable) not in known]
        if thawed:
            with self._on_every_device():
                self._groups.append(self._group(thawed, first_epoch=thaw_at))
        self._step = self._compiled()
        return True

    def step(
        self, tensors: Tensors, targets: Tensors, *, rows: int | None = None, stops: bool = False
    ) -> tuple[float, bool]:
        """One step.

        Args:
            tensors, targets: of this process's part of the batch; alone it is all of it.
            rows: of the whole batch, if these are not all of it.
            stops: whether this process is to stop.

        Returns:
            The loss of the whole batch in nats, and whether any process is to stop.

        Raises:
            ClusterError: if another process is gone.
        """
        return self._step(tensors, targets, len(next(iter(targets.values()))) if rows is None else rows, stops)

    def learning_rate(self) -> float:
        """The rate of the last step."""
        return self._groups[0].learning_rate(int(self._groups[0].optimizer.iterations.numpy()) - 1)

    @contextmanager
    def as_kept(self) -> Iterator[None]:
        """Within, the network has the weights that are validated and kept: the averaged ones, if it has any."""
        if self._average is None:
            yield
        else:
            with self._average.in_place():
                yield

    def arrays(self) -> Arrays:
        """All that the next step hangs on: weights, states of the dropouts, moments and counts, the average."""
        return {name: variable.numpy() for name, variable in self._variables()}

    def assign(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Takes up where `arrays` was called, in the same epoch.

        Raises:
            StorageError: if they are not those of such a network.
        """
        variables = list(self._variables())
        require_fit(variables, arrays)
        for name, variable in variables:
            variable.assign(arrays[name])

    def _variables(self) -> Iterator[tuple[str, keras.Variable]]:
        # Beside the weights a network has the states of its dropouts.
        for number, variable in enumerate(self._network.variables):
            yield f"network/{number}", variable
        for index, group in enumerate(self._groups):
            for number, variable in enumerate(group.optimizer.variables):
                yield f"optimizer/{index}/{number}", variable
        for number, variable in enumerate(self._average.values if self._average is not None else ()):
            yield f"average/{number}", variable

    def _group(self, variables: list[keras.Variable], *, first_epoch: int) -> Group:
        return Group(
            variables,
            self._settings,
            warmup_steps=round(self._settings.warmup_epochs * self._steps_per_epoch),
            total_steps=(self._settings.epochs - first_epoch + 1) * self._steps_per_epoch,
        )

    def _on_every_device(self) -> AbstractContextManager[object]:
        return nullcontext() if self._replicas is None else self._replicas.scope()

    def _compiled(self) -> Callable[[Tensors, Tensors, int, bool], tuple[float, bool]]:
        parts = self._network, self._encoder, self._objective, self._groups, self._average
        if self._replicas is None:
            step = compiled(*parts)
            return lambda tensors, targets, rows, stops: (float(step(tensors, targets)), stops)  # noqa: ARG005
        return shared(*parts, self._replicas)


def require_fit(variables: Iterable[tuple[str, keras.Variable]], arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Looks whether each variable has its array.

    Raises:
        StorageError: if not.
    """
    for name, variable in variables:
        if name not in arrays or arrays[name].shape != tuple(variable.shape):
            raise StorageError("The checkpoint is not of this network: the recipe of its run was changed.")
