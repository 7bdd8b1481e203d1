"""What each merge learns, and what it costs."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from benchmarks.interleaved import compare
from model.merges import Features, merge
from model.spec import (
    BilinearMerge,
    ConcatenateMerge,
    CrossAttentionMerge,
    DotMerge,
    ElementwiseMerge,
    FilmMerge,
    GatedMerge,
    Merge,
    SubtractMerge,
)
from tests.model import made_up_views

BATCH = 32
STEPS = 10
# As a conv branch and a token branch give them: the width of the vectors, then places and depth of the states.
UNITS = 96
STATES = {"picture": (64, 128), "words": (32, 96)}


def kinds(units: int) -> dict[str, Merge]:
    """Every merge, `units` wide where it has a width of its own."""
    return {
        "concatenate": ConcatenateMerge(),
        "add": ElementwiseMerge(kind="add"),
        "average": ElementwiseMerge(kind="average"),
        "maximum": ElementwiseMerge(kind="maximum"),
        "minimum": ElementwiseMerge(kind="minimum"),
        "multiply": ElementwiseMerge(kind="multiply"),
        "subtract": SubtractMerge(),
        "dot": DotMerge(),
        "dot, normalized": DotMerge(normalize=True),
        "gated": GatedMerge(),
        "film": FilmMerge(),
        "bilinear, 1 factor": BilinearMerge(units=units),
        "bilinear, 4 factors": BilinearMerge(units=units, factors=4),
        "cross_attention": CrossAttentionMerge(units=units, attention_heads=4),
    }


def xor_accuracy(spec: Merge, *, trunk: int) -> float:
    """On new rows of a made-up set whose label is the exclusive or of what the two views show."""
    network = made_up_views.network(spec, trunk=trunk)
    made_up_views.train(network, *made_up_views.xor(2000, seed=1), steps=300)
    return made_up_views.accuracy(network, *made_up_views.xor(1000, seed=2))


def gate_of_the_informed(informed: int, *, classes: int, units: int) -> float:
    """Mean gate of a view that shows one of some classes, beside one that is noise."""
    network = made_up_views.network(GatedMerge(units=units), classes=classes)
    learnt = made_up_views.one_is_noise(20_000, informed=informed, classes=classes, seed=1)
    made_up_views.train(network, *learnt, steps=600, learning_rate=0.03)
    test, _ = made_up_views.one_is_noise(1_000, informed=informed, classes=classes, seed=2)
    return float(made_up_views.mean_gates(network, test)[informed])


def steps_of(spec: Merge) -> Callable[[], int]:
    """Some training steps of a merge and a linear layer behind it, on random numbers; returns how many."""
    random = np.random.default_rng(0)
    views, given = [], []
    for name, (places, depth) in STATES.items():
        shapes = ((UNITS,), (places, depth))
        vector, states = (keras.Input(shape) for shape in shapes)
        mask = keras.ops.ones_like(states[:, :, 0], dtype="bool")
        views.append(Features(name, vector, states, mask, is_words=name == "words"))
        given += [tf.constant(random.normal(size=(BATCH, *shape)), tf.float32) for shape in shapes]
    inputs = [one for view in views for one in (view.vector, view.states)]
    network = keras.Model(inputs, keras.layers.Dense(10)(merge(spec, views)))
    optimizer = keras.optimizers.AdamW(1e-3)
    variables = network.trainable_variables
    optimizer.build(variables)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            # Down to the vectors and states, as the branches behind them would need it.
            tape.watch(given)
            loss = tf.reduce_mean(network(given, training=True) ** 2)
        gradients, below = tape.gradient(
            loss, [[variable.value for variable in variables], given], unconnected_gradients="zero"
        )
        with tf.control_dependencies(below):
            optimizer.apply(gradients, variables)

    def run() -> int:
        for _ in range(STEPS):
            step()
        return STEPS

    return run


def main() -> None:
    """Prints what each merge learns, where the gates turn, and how fast a training step is."""
    print("\nTest accuracy on exclusive or, 300 steps: with a dense layer behind the merge, and without")
    for name, spec in kinds(16).items():
        print(f"  {name:<40} {xor_accuracy(spec, trunk=16):6.3f} {xor_accuracy(spec, trunk=0):9.3f}")

    print("\nMean gate of the gated merge for the view that shows the label; the other is noise")
    for classes, units in ((8, 8), (2, 16)):
        gates = [gate_of_the_informed(informed, classes=classes, units=units) for informed in (0, 1)]
        print(f"  {f'{classes} classes, {units} units':<40} {gates[0]:6.3f} {gates[1]:9.3f}")

    compare(
        f"Training steps of the merge alone, two vectors of {UNITS}, batches of {BATCH}",
        {name: steps_of(spec) for name, spec in kinds(UNITS).items()},
        unit="steps",
    )


if __name__ == "__main__":
    main()
