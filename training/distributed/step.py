"""A step of the optimisation whose batch is shared out among replicas, and which is what it would be for one alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import tensorflow as tf

from model.branches.convolving import are_by_winograd, by_winograd
from model.encoder import Encoder
from training.average import Average
from training.distributed.replicas import Replicas
from training.objective import Objective
from training.step import Group

Tensors = Mapping[str, tf.Tensor]


def shared(
    network: keras.Model,
    encoder: Encoder,
    objective: Objective,
    groups: Sequence[Group],
    average: Average | None,
    replicas: Replicas,
) -> Callable[[Tensors, Tensors, int, bool], tuple[float, bool]]:
    """`training.step.compiled` for replicas.

    Each takes its rows of the batch; losses and gradients are weighted by how many these are, summed over all replicas,
    and only then shortened and applied. So the step is that of the whole batch, and on processors of one
    kind all copies of the weights stay equal to the last bit.

    Args:
        network: made in the replicas' scope.
        encoder: its tokenizers.
        objective: what to make small.
        groups: the weights that train.
        average: takes the moved weights in.
        replicas: what shares the batch out.

    Returns:
        Takes the rows of this process as tensors of `serving_inputs` and as targets, how many rows the whole batch has,
        and whether this process is to stop. Gives the loss of the whole batch as `training.step.compiled` has it, and
        whether any process is to stop.
    """
    row_count, flag = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)
    signature = [encoder.input_signature, objective.signature, row_count, flag]

    @tf.function(input_signature=signature, autograph=False)
    def step(tensors: Tensors, targets: Tensors, rows: tf.Tensor, stops: tf.Tensor) -> tf.Tensor:
        is_native = are_by_winograd()  # replicas are traced in threads of their own

        def on_replica() -> tf.Tensor:
            context = tf.distribute.get_replica_context()
            number = tf.cast(context.replica_id_in_sync_group, tf.int32)
            before = rows * replicas.first // replicas.count  # of other processes
            start, end = rows * number // replicas.count, rows * (number + 1) // replicas.count
            own = {name: tensor[start - before : end - before] for name, tensor in tensors.items()}
            own_targets = {name: tensor[start - before : end - before] for name, tensor in targets.items()}
            share = tf.cast(end - start, tf.float32) / tf.cast(rows, tf.float32)

            steps_before = tf.identity(groups[0].optimizer.iterations.value)
            with tf.GradientTape() as tape, by_winograd(is_native):
                logits = network(encoder(own), training=True)
                loss = share * _or_zero(objective(logits, own_targets), share)
            variables = [variable.value for group in groups for variable in group.variables]
            found = tape.gradient(loss, variables)
            used = [gradient for gradient in found if gradient is not None]
            summed = iter(context.all_reduce(tf.distribute.ReduceOp.SUM, used))
            gradients = iter([None if gradient is None else next(summed) for gradient in found])
            for group in groups:
                group.optimizer.apply([next(gradients) for _ in group.variables], group.variables)
            if average is not None:
                average.update(steps_before)

            answers = share * _or_zero(objective.of_answers(logits, own_targets), share)
            says = tf.cast(tf.equal(number, replicas.first), tf.float32) * stops
            told = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.stack([loss, answers, says]))
            return tf.stack([tf.where(tf.math.is_finite(told[0]), told[1], told[0]), told[2]])

        return replicas.strategy.experimental_local_results(replicas.strategy.run(on_replica))[0]

    def stepped(tensors: Tensors, targets: Tensors, rows: int, stops: bool) -> tuple[float, bool]:
        with replicas.reporting_lost_workers():
            loss, stopping = step(tensors, targets, tf.constant(rows), tf.constant(float(stops))).numpy()
        return float(loss), bool(stopping)

    return stepped


def _or_zero(mean: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """The mean over no rows is no number, and here to count as none."""
    return tf.where(share > 0, mean, tf.zeros_like(mean))
