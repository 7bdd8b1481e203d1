"""One step of the optimisation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from model.encoder import Encoder
from training.average import Average
from training.objective import Objective
from training.training_settings import TrainingSettings

Step = Callable[[Mapping[str, tf.Tensor], Mapping[str, tf.Tensor]], tf.Tensor]


class SummedAdamW(keras.optimizers.AdamW):
    """Keras's, for gradients that are those of the whole batch.

    Where several replicas share the batch out, Keras's shortens the gradients of each and sums what is left, which is
    not what one that has the whole batch would do; so `training.distributed.step` sums them before.
    """

    def _all_reduce_sum_gradients(
        self, grads_and_vars: list[tuple[tf.Tensor, tf.Variable]]
    ) -> list[tuple[tf.Tensor, tf.Variable]]:
        return grads_and_vars


class Group:
    """Weights and the optimizer that moves them: AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).

    Its rate rises linearly and then falls along a cosine to zero. Weights that train later than others are a group of
    their own, so that their rate rises from zero too.

    Args:
        variables: the weights.
        settings: rates.
        warmup_steps: in which the rate rises.
        total_steps: at which it is back at zero.
    """

    def __init__(
        self, variables: Sequence[keras.Variable], settings: TrainingSettings, *, warmup_steps: int, total_steps: int
    ) -> None:
        self.variables = list(variables)
        self._schedule = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0,
            warmup_target=settings.learning_rate,
            warmup_steps=min(warmup_steps, total_steps - 1),
            decay_steps=max(total_steps - warmup_steps, 1),
        )
        self.optimizer = SummedAdamW(
            self._schedule, weight_decay=settings.weight_decay, global_clipnorm=settings.clip_norm
        )
        # Decay pulls weights to zero to keep them small; biases, scales and the vectors of absent inputs need none.
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "scale", "offset", "absent", "gamma", "beta"])
        self.optimizer.build(self.variables)

    def learning_rate(self, steps: int) -> float:
        """The rate of the step after so many."""
        return float(self._schedule(steps))


def compiled(
    network: keras.Model,
    encoder: Encoder,
    objective: Objective,
    groups: Sequence[Group],
    average: Average | None = None,
) -> Step:
    """A step as one graph: tensors of `serving_inputs` and targets -> a loss, with the weights of the groups moved.

    The loss is that of the heads' answers, as on validation, which is not all that is made small if there are copies
    of heads; unless that is no longer a number.

    Args:
        network: of `model.build`.
        encoder: its tokenizers.
        objective: what to make small.
        groups: the weights that train.
        average: takes the moved weights in.
    """

    # One graph for every batch size; otherwise the last, smaller batch would be traced anew.
    @tf.function(input_signature=[encoder.input_signature, objective.signature], autograph=False)
    def step(tensors: Mapping[str, tf.Tensor], targets: Mapping[str, tf.Tensor]) -> tf.Tensor:
        steps_before = tf.identity(groups[0].optimizer.iterations.value)
        with tf.GradientTape() as tape:
            logits = network(encoder(tensors), training=True)
            loss = objective(logits, targets)
        gradients = tape.gradient(loss, [[variable.value for variable in group.variables] for group in groups])
        for group, found in zip(groups, gradients, strict=True):
            group.optimizer.apply(found, group.variables)
        if average is not None:
            average.update(steps_before)
        return tf.where(tf.math.is_finite(loss), objective.of_answers(logits, targets), loss)

    return step
