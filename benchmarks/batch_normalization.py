"""Training steps of the `conv` branch, and of the same stages in stock Keras layers, in two orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from benchmarks.interleaved import compare
from model.branches.conv import conv
from model.spec import ConvBranch, ImageInput

BATCH = 32
STEPS = 8
SIDE_PX = 128


def stock(branch: ConvBranch, *, order: Sequence[str]) -> keras.Model:
    """The same stages as one would write them with Keras alone.

    Args:
        branch: of the sizes.
        order: of what follows each convolution: `normalize`, `relu`, `pool`.
    """
    layers: dict[str, Callable[[], keras.layers.Layer]] = {
        "normalize": lambda: keras.layers.BatchNormalization(momentum=0.9),
        "relu": keras.layers.ReLU,
        "pool": lambda: keras.layers.MaxPooling2D(branch.pool),
    }
    pixels = keras.Input((SIDE_PX, SIDE_PX, 3), dtype="uint8")
    features = keras.layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    for filters in branch.filters:
        features = keras.layers.Conv2D(filters, branch.kernel_size, padding="same", use_bias=False)(features)
        for name in order:
            features = layers[name]()(features)
    vector = keras.layers.Dropout(branch.dropout)(keras.layers.GlobalAveragePooling2D()(features))
    return keras.Model(pixels, {"vector": keras.layers.Dense(branch.units, activation="relu")(vector)})


def steps_of(network: keras.Model) -> Callable[[], int]:
    """Some training steps on random pictures; returns the examples they saw."""
    optimizer = keras.optimizers.AdamW(1e-3)
    variables = network.trainable_variables
    optimizer.build(variables)
    pixels = tf.constant(np.random.default_rng(0).integers(0, 256, (BATCH, SIDE_PX, SIDE_PX, 3), np.uint8))

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(network(pixels, training=True)["vector"] ** 2)
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)

    def run() -> int:
        for _ in range(STEPS):
            step()
        return STEPS * BATCH

    return run


def main() -> None:
    """Prints the comparison."""
    branch = ConvBranch()
    ours = conv(branch, ImageInput(height=SIDE_PX, width=SIDE_PX), name="image")
    compare(
        f"Training the conv branch on {SIDE_PX}x{SIDE_PX} pictures, batches of {BATCH}",
        {
            "stock Keras layers": steps_of(stock(branch, order=("normalize", "relu", "pool"))),
            "stock Keras layers, pool first": steps_of(stock(branch, order=("pool", "normalize", "relu"))),
            "fused kernel, pool first": steps_of(ours),
        },
        unit="examples",
    )


if __name__ == "__main__":
    main()
