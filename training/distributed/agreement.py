"""What the processes of a training hold in common, beyond the steps."""

from __future__ import annotations

import io
from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from training.course import Course
from training.distributed.replicas import Replicas
from training.forward import Forward, predict_logits
from training.optimisation import Optimisation
from training.pipeline import Examples


def chiefs_course(course: Course, replicas: Replicas) -> Course:
    """The chief's course, for all: on another kind of processor a figure may be rounded otherwise."""
    return Course.from_json(replicas.broadcast(course.to_json().encode()).decode())


def broadcast_state(optimisation: Optimisation, network: keras.Model, replicas: Replicas) -> None:
    """Gives all processes all that the next step hangs on as the chief has it; only dropouts draw apart.

    Args:
        optimisation: at the same epoch in all processes.
        network: that it moves.
        replicas: of the cluster, or of one process.
    """
    if replicas.cluster is not None:
        packed = io.BytesIO()
        if replicas.is_chief:
            np.savez(packed, allow_pickle=False, **optimisation.arrays())
        with np.load(io.BytesIO(replicas.broadcast(packed.getvalue())), allow_pickle=False) as arrays:
            optimisation.assign(dict(arrays))
    replicas.set_dropouts_apart(network)


def shared_logits(
    forward: Forward, examples: Examples, network: keras.Model, names: Sequence[str], replicas: Replicas
) -> dict[str, NDArray[np.float32]]:
    """`training.forward.predict_logits` with the rows shared out among the processes; all get all of them.

    Args:
        forward: gives some of the network's outputs.
        examples: the same in all processes.
        network: whose outputs they are.
        names: of these outputs.
        replicas: of a cluster.
    """
    own = np.zeros(len(examples), bool)
    own[replicas.part(len(examples))] = True
    found = predict_logits(forward, examples.subset(own)) if own.any() else {}
    logits = {}
    for name in names:
        whole = np.zeros((len(examples), network.output[name].shape[-1]), np.float32)
        if name in found:
            whole[own] = found[name]
        logits[name] = replicas.all_reduce_sum(whole)
    return logits
