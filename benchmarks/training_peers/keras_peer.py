"""The same network in stock Keras layers: run as `python -m benchmarks.training_peers.keras_peer FOLDER ORDER`.

In-memory arrays and `model.fit`, which shuffles; each turn an epoch.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras  # and nothing of `model`, whose import has TensorFlow compute by oneDNN

from benchmarks.training_peers.problem import Problem
from benchmarks.turns import take_turns


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


class Window(keras.callbacks.Callback):
    """From the end of an epoch's first step to that of its last, as the loop of ours is timed."""

    first = last = 0.0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
        """Takes the time."""
        self.last = time.perf_counter()
        if batch == 0:
            self.first = self.last


def main(folder: Path, order: str) -> None:
    """Takes turns."""
    problem, arrays = Problem.load(folder)
    parameters = sum(weights.numpy().size for weights in network(problem, order).trainable_weights)
    examples = [arrays[name] for name in ("image", *(words.name for words in problem.words))]
    made: dict[bool, keras.Model] = {}

    def epoch(jit_compile: bool) -> Callable[[], tuple[int, float]]:
        def run() -> tuple[int, float]:
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
            window = Window()
            made[jit_compile].fit(
                examples, labels, batch_size=problem.batch_size, epochs=1, verbose=0, callbacks=[window]
            )
            return problem.examples - problem.batch_size, window.last - window.first

        return run

    candidates = {"no XLA": epoch(False), "XLA": epoch(True)}
    onednn = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "TensorFlow's choice")
    take_turns(candidates, facts={"parameters": parameters, "version": keras.__version__, "oneDNN": onednn})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
