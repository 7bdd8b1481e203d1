"""The same network in stock Keras layers: run as `python -m benchmarks.training_peers.keras_peer FOLDER ORDER`.

In-memory arrays and `model.fit`, which shuffles; each turn an epoch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.training_peers.problem import Problem
from benchmarks.turns import take_turns, timed
from model.greeting import filtered

with filtered():
    import keras


def network(problem: Problem, order: str) -> keras.Model:
    """As one writes it.

    Args:
        problem: sizes.
        order: `pool` first or `norm` first, behind each convolution.
    """
    layers = keras.layers
    pixels = keras.Input((problem.side_px, problem.side_px, 3), dtype="uint8", name="image")
    features = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    for filters in problem.filters:
        features = layers.Conv2D(filters, problem.kernel_size, padding="same", use_bias=False)(features)
        norm, relu, pool = layers.BatchNormalization(momentum=0.9), layers.ReLU(), layers.MaxPooling2D()
        for layer in (pool, norm, relu) if order == "pool" else (norm, relu, pool):
            features = layer(features)
    pooled = layers.Dropout(problem.picture_dropout)(layers.GlobalAveragePooling2D()(features))
    inputs, vectors = [pixels], [layers.Dense(problem.picture_units, activation="relu")(pooled)]
    for words in problem.words:
        tokens = keras.Input((None,), dtype="int32", name=words.name)
        embedded = layers.Embedding(words.num_ids, words.dimension, mask_zero=True)(tokens)
        pooled = layers.Dropout(words.dropout)(layers.GlobalAveragePooling1D()(embedded))
        inputs.append(tokens)
        vectors.append(layers.Dense(words.units, activation=words.activation)(pooled))
    merged = layers.Dropout(problem.trunk_dropout)(layers.Concatenate()(vectors))
    merged = layers.Dense(problem.trunk_units, activation="relu")(merged)
    return keras.Model(inputs, [layers.Dense(problem.classes)(vector) for vector in (merged, *vectors)])


def main(folder: Path, order: str) -> None:
    """Takes turns."""
    problem, arrays = Problem.load(folder)
    parameters = sum(weights.numpy().size for weights in network(problem, order).trainable_weights)
    examples = [arrays[name] for name in ("image", *(words.name for words in problem.words))]
    made: dict[bool, keras.Model] = {}

    def epoch(jit_compile: bool) -> Callable[[], int]:
        def run() -> int:
            if jit_compile not in made:
                made[jit_compile] = network(problem, order)
                optimizer = keras.optimizers.AdamW(
                    problem.learning_rate,
                    weight_decay=problem.weight_decay,
                    global_clipnorm=problem.clip_norm,
                    use_ema=True,
                    ema_momentum=problem.ema_decay,
                )
                losses = [
                    keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in range(len(examples) + 1)
                ]
                made[jit_compile].compile(optimizer, losses, jit_compile=jit_compile)
            labels = [arrays["label"]] * (len(examples) + 1)
            made[jit_compile].fit(examples, labels, batch_size=problem.batch_size, epochs=1, verbose=0)
            return problem.examples

        return run

    candidates = {"no XLA": timed(epoch(False)), "XLA": timed(epoch(True))}
    take_turns(candidates, facts={"parameters": parameters, "version": keras.__version__})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
