"""Whether training steps give the same weights to the last bit when they are made again, for many kinds of networks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from model.greeting import filtered

with filtered():  # behind `model`, whose import has it compute by oneDNN
    import keras
    import tensorflow as tf

from model.branches.convolving import by_winograd
from model.build import build
from model.encoder import Encoder
from model.spec import ModelSpec
from training.objective import Objective
from training.optimisation import Optimisation
from training.precision import arithmetic
from training.training_settings import Convolutions, Precision, TrainingSettings

STEPS = 8
REPEATS = 3
BATCH = 32
LABELS = tuple("abcdefghijkl")
# Branch over a picture, branch over words, merge.
NETWORKS: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    ({"kind": "conv"}, {"kind": "embedding", "pooling": "attention"}, "concatenate"),
    ({"kind": "residual"}, {"kind": "recurrent", "cell": "gru"}, "gated"),
    ({"kind": "inception"}, {"kind": "transformer"}, "cross_attention"),
    ({"kind": "conv", "pooling": "max"}, {"kind": "convolution"}, "bilinear"),
    ({"kind": "residual", "pooling": "flatten"}, {"kind": "recurrent", "cell": "lstm", "pooling": "max"}, "film"),
    ({"kind": "pretrained", "network": "MobileNetV2"}, {"kind": "embedding", "pooling": "max"}, "average"),
)


def batches() -> Iterator[tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]]:
    """Random pictures and words, the same each time."""
    random = np.random.default_rng(0)
    for _ in range(STEPS):
        words = [" ".join(f"w{one}" for one in random.integers(0, 999, 12)) for _ in range(BATCH)]
        tensors = {
            "image": tf.constant(random.integers(0, 256, (BATCH, 64, 64, 3)).astype(np.uint8)),
            "image_present": tf.constant(random.random(BATCH) > 0.1),
            "text": tf.constant(words),
            "text_present": tf.constant(random.random(BATCH) > 0.1),
        }
        yield tensors, {"label": tf.constant(random.integers(0, len(LABELS), BATCH).astype(np.int32))}


def digest(
    picture: dict[str, Any], words: dict[str, Any], merge: str, precision: Precision, convolutions: Convolutions
) -> str:
    """Of everything that some steps leave behind."""
    spec = ModelSpec.parse(
        {
            "inputs": {"image": {"kind": "image"}, "text": {"kind": "text"}},
            "branches": {"image": picture, "text": {**words, "tokenizer": "word_ngrams"}},
            "merge": merge,
            "heads": {"label": {"kind": "single_label", "labels": LABELS}},
        },
        what="spec",
    )
    keras.utils.set_random_seed(0)
    objective = Objective(spec, {"label": np.arange(len(LABELS), dtype=np.int32)})
    settings = TrainingSettings(ema_decay=0.9)
    optimisation = Optimisation(build(spec, {}), Encoder(spec, {}), objective, settings, steps_per_epoch=STEPS)
    with arithmetic(precision), by_winograd(convolutions == "winograd"):
        for tensors, targets in batches():
            optimisation.step(tensors, targets)
    return hashlib.sha256(b"".join(array.tobytes() for array in optimisation.arrays().values())).hexdigest()


def main() -> None:
    """Prints a line a network."""
    ways: tuple[tuple[Precision, Convolutions], ...] = (
        ("float32", "winograd"),
        ("float32", "tensorflow"),
        ("bfloat16", "tensorflow"),
    )
    for picture, words, merge in NETWORKS:
        for way in ways:
            found = {digest(picture, words, merge, *way) for _ in range(REPEATS)}
            told = "the same bits" if len(found) == 1 else f"{len(found)} different results"
            print(
                f"{picture['kind']}, {words['kind']}, {merge}, {', '.join(way)}: {told} in {REPEATS} runs", flush=True
            )


if __name__ == "__main__":
    main()
