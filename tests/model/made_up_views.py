"""Two made-up views of an example, and networks that learn from them in a second or two, to try merges on.

A view is float32 (rows, 3, 8): three places of eight noisy numbers, in some direction from zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.merges import Features, merge
from model.spec import Merge

PLACES, WIDTH = 3, 8
NAMES = ("picture", "words")
BATCH = 128

Views = list[NDArray[np.float32]]
Labels = NDArray[np.int32]


def xor(rows: int, *, seed: int) -> tuple[Views, Labels]:
    """Each view shows a bit, and the label is whether they differ: one view alone says nothing about it."""
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (2, rows))
    return [_showing(bit, 2, view, random) for view, bit in enumerate(bits)], (bits[0] ^ bits[1]).astype(np.int32)


def one_is_noise(rows: int, *, informed: int, seed: int, classes: int = 8) -> tuple[Views, Labels]:
    """The view `informed` shows the label, the other one is noise, louder than what the first shows."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    views = [random.normal(0, 3, (rows, PLACES, WIDTH)).astype(np.float32) for _ in NAMES]
    views[informed] = _showing(labels, classes, informed, random)
    return views, labels.astype(np.int32)


def network(
    spec: Merge, *, classes: int = 2, trunk: int = 16, views: Sequence[int] = (0, 1), seed: int = 0
) -> keras.Model:
    """Two small branches, merged, then a trunk of one dense layer (0: none) and logits.

    The states of a view are its places, its vector is a dense layer of their mean. The network takes both views, and
    looks at those in `views`.
    """
    keras.utils.set_random_seed(seed)
    inputs = [keras.Input((PLACES, WIDTH), name=name) for name in NAMES]
    merged = merge(spec, [_features(inputs[view], NAMES[view]) for view in views])
    if trunk:
        merged = keras.layers.Dense(trunk, activation="relu")(merged)
    return keras.Model(inputs, keras.layers.Dense(classes)(merged))


def train(model: keras.Model, views: Views, labels: Labels, *, steps: int, learning_rate: float = 0.01) -> None:
    """Steps of AdamW, without weight decay, on batches drawn at random."""
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=0.0)
    variables = model.trainable_variables
    optimizer.build(variables)
    batches = tf.data.Dataset.from_tensor_slices((tuple(views), labels)).shuffle(len(labels), seed=0).repeat()

    @tf.function
    def run() -> None:
        for batch, targets in batches.batch(BATCH).take(steps):
            with tf.GradientTape() as tape:
                logits = model(list(batch), training=True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
                loss = tf.reduce_mean(losses)
            optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)

    # Called so, TensorFlow does not warn that every network has a function of its own.
    run.get_concrete_function()()


def accuracy(model: keras.Model, views: Views, labels: Labels) -> float:
    """Share of the rows that the model gets right."""
    return float(np.mean(np.argmax(model(views), axis=1) == labels))


def mean_gates(model: keras.Model, views: Views) -> NDArray[np.float32]:
    """How much each view weighs in a network with a gated merge, over all rows and units: float32 (2,)."""
    gated = model.get_layer("merge.gated")
    return np.mean(gated.gates(keras.Model(model.inputs, gated.input)(views)), axis=(0, 2))


def _showing(values: NDArray[np.int64], count: int, view: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Places that point in the value's direction, with noise: float32 (rows, 3, 8)."""
    directions = np.random.default_rng(view).normal(size=(count, 1, WIDTH))
    directions *= 2 / np.linalg.norm(directions, axis=2, keepdims=True)
    return (directions[values] + random.normal(size=(len(values), PLACES, WIDTH))).astype(np.float32)


def _features(places: keras.KerasTensor, name: str) -> Features:
    mean = keras.layers.GlobalAveragePooling1D(name=f"{name}.mean")(places)
    vector = keras.layers.Dense(16, activation="relu", name=f"{name}.dense")(mean)
    return Features(name, vector, places, keras.ops.any(places != 0, axis=2), is_words=name == "words")
