"""Run as a script: trains one network alone and by two replicas in turn, and prints how far their figures lie apart.

A process of its own, for the CPU has to be parted before TensorFlow begins to work.
"""

from __future__ import annotations

import io
import math
import sys
from dataclasses import replace
from pathlib import Path

import keras
import tensorflow as tf
from rich.console import Console

from model.build import build
from model.encoder import Encoder
from model.native.library import is_supported
from model.rebuild import vocabulary_sizes
from model.spec import ModelSpec
from model.winograd.convolver import Convolver
from tests import tiny
from training.distributed.replicas import Replicas
from training.epoch import Listener
from training.fit import learn_vocabularies
from training.loop import train
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.reuse import Reuse
from training.runs import Run
from training.training_settings import Convolutions, TrainingSettings

# The last batch of an epoch has one row, so that one of the replicas has none; rows are varied.
SETTINGS = {
    "epochs": 4,
    "batch_size": 7,
    "learning_rate": 0.03,
    "ema_decay": 0.9,
    "augment": {"flip": 0.5, "erasing": 0.5, "word_dropout": 0.2},
}


def spec_without_dropout(spec: ModelSpec) -> ModelSpec:
    """Dropouts draw something of their own in each replica, so without any."""
    data = spec.model_dump(mode="json")
    for branch in data["branches"].values():
        branch |= {name: 0.0 for name in ("dropout", "token_dropout") if name in branch}
    data["trunk"]["dropout"] = 0.0
    data["heads"]["colour"] |= {"auxiliary_weight": 1.0, "add_auxiliary": True}
    return ModelSpec.parse(data, what="spec")


def losses(
    data: Prepared, folder: Path, replicas: Replicas | None, convolutions: Convolutions = "tensorflow"
) -> list[float]:
    """Of all epochs, on training and validation rows."""
    spec, settings = data.recipe.spec, TrainingSettings.parse(SETTINGS, what="training")
    files = learn_vocabularies(data, Run.create(folder, "tiny"), Reuse(None))
    keras.utils.set_random_seed(0)
    encoder = Encoder(spec, files)
    if replicas is None:
        network = build(spec, vocabulary_sizes(files))
    else:
        with replicas.scope():
            network = build(spec, vocabulary_sizes(files))
    listener = Listener(lambda *_: None, lambda *_: None)
    parts = {"training": data.train, "validation": data.val, "settings": settings, "listener": listener}
    course = train(network, encoder, spec, **parts, convolutions=convolutions, replicas=replicas)
    return [loss for epoch in course.history for loss in (epoch.loss, epoch.val_loss)]


def main(folder: Path) -> None:
    """Prints the largest difference, the largest change of a loss, and whether all else is as it should be."""
    replicas = Replicas.of_devices(["CPU:0", "CPU:1"])
    reporter = Reporter(Console(file=io.StringIO()))
    data = prepare(tiny.recipe(tiny.write_manifest(folder)), cache_dir=folder / "cache", reporter=reporter)
    spec = spec_without_dropout(data.recipe.spec)
    data = replace(data, recipe=data.recipe.model_copy(update={"spec": spec}))
    assert len(data.train) % SETTINGS["batch_size"] == 1
    alone, together = (losses(data, folder, one) for one in (None, replicas))
    difference = max(abs(a - b) for a, b in zip(alone, together, strict=True))
    others = (native_difference(data, folder, replicas), dropouts_differ(replicas), statistics_are_shared(replicas))
    print(difference, max(alone) - min(alone), *others)  # noqa: T201


def native_difference(data: Prepared, folder: Path, replicas: Replicas) -> float:
    """The largest between losses where native code computes convolutions; infinite if it does not in replicas."""
    if not is_supported():
        return 0.0
    spec = data.recipe.spec.model_dump(mode="json")
    spec["branches"]["image"]["filters"] = [8, 16]  # as it takes them
    recipe = data.recipe.model_copy(update={"spec": ModelSpec.parse(spec, what="spec")})
    data = replace(data, recipe=recipe)
    alone = losses(data, folder, None, "winograd")
    calls = count_native_calls()
    together = losses(data, folder, replicas, "winograd")
    return max(abs(a - b) for a, b in zip(alone, together, strict=True)) if calls else math.inf


def count_native_calls() -> list[str]:
    """Grows by one with each gradient of kernels that native code computes."""
    calls: list[str] = []
    compute = Convolver.kernel_gradient

    def counted(*arguments: object) -> object:
        calls.append("kernel_gradient")
        return compute(*arguments)

    Convolver.kernel_gradient = counted
    return calls


def dropouts_differ(replicas: Replicas) -> bool:
    """Whether each replica drops something else, and the first what one alone would."""
    with replicas.scope():
        network = keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5, seed=7)])
    replicas.set_dropouts_apart(network)
    (state,) = network.variables
    first, second = (one.numpy().tolist() for one in replicas.strategy.experimental_local_results(state.value))
    return first == [7, 0] and second[0] != 7


def statistics_are_shared(replicas: Replicas) -> bool:
    """Whether Keras's own batch normalization sees the whole batch in each replica."""
    with replicas.scope():
        network = keras.Sequential([keras.Input((1,)), keras.layers.BatchNormalization(momentum=0.0)])
    replicas.share_statistics(network)

    @tf.function
    def step() -> None:
        def on_replica() -> None:
            number = tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.float32)
            network(tf.fill([4, 1], number), training=True)

        replicas.strategy.run(on_replica)

    step()
    return bool(network.layers[0].moving_mean.numpy()[0] == 0.5)  # of 0 in the one and 1 in the other


if __name__ == "__main__":
    main(Path(sys.argv[1]))
