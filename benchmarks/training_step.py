"""Training steps by native and by TensorFlow's convolutions, in bfloat16, with a moving average; and what a checkpoint
costs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.interleaved import compare
from model.greeting import filtered

with filtered():  # behind `model`, whose import has it compute by oneDNN
    import tensorflow as tf

from model.branches.convolving import by_winograd
from model.build import build
from model.encoder import Encoder
from model.spec import ModelSpec
from training.checkpoint import Checkpoint
from training.course import Course
from training.objective import Objective
from training.optimisation import Optimisation
from training.precision import arithmetic
from training.training_settings import Convolutions, Precision, TrainingSettings

STEPS = 6
LABELS = tuple("abcdefghijkl")
WORDS = {"kind": "embedding", "tokenizer": "word_ngrams"}
# Branch over the picture, its side in pixels, branch over the words, batch size.
NETWORKS: dict[str, tuple[dict[str, Any] | None, int, dict[str, Any], int]] = {
    "conv 64 px and words, batches of 32": ({"kind": "conv"}, 64, WORDS, 32),
    "conv 64 px and words, batches of 128": ({"kind": "conv"}, 64, WORDS, 128),
    "conv 128 px and words, batches of 32": ({"kind": "conv"}, 128, WORDS, 32),
    "conv of 5x5 128 px and words, batches of 32": ({"kind": "conv", "kernel_size": 5}, 128, WORDS, 32),
    "residual 64 px and words, batches of 32": ({"kind": "residual"}, 64, WORDS, 32),
    "MobileNetV2 96 px and words, batches of 32": ({"kind": "pretrained", "network": "MobileNetV2"}, 96, WORDS, 32),
    "words alone, batches of 32": (None, 64, WORDS, 32),
    "transformer over words, batches of 32": (None, 64, {"kind": "transformer", "tokenizer": "word_ngrams"}, 32),
}


class Trial:
    """A network that trains on one batch of random pictures and words.

    Args:
        name: of `NETWORKS`.
        precision: of the steps.
        convolutions: who computes them in the steps.
        ema_decay: of the moving average; None has none.
    """

    def __init__(
        self,
        name: str,
        *,
        precision: Precision = "float32",
        convolutions: Convolutions = "tensorflow",
        ema_decay: float | None = None,
    ) -> None:
        self._precision = precision
        self._is_native = convolutions == "winograd"
        picture, side_px, words, batch = NETWORKS[name]
        branches = {"text": words} | ({"image": picture} if picture else {})
        image = {"kind": "image", "height": side_px, "width": side_px}
        spec = ModelSpec.parse(
            {
                "inputs": {"text": {"kind": "text"}} | ({"image": image} if picture else {}),
                "branches": branches,
                "heads": {"label": {"kind": "single_label", "labels": LABELS}},
            },
            what="spec",
        )
        network, encoder = build(spec, {}), Encoder(spec, {})
        random = np.random.default_rng(0)
        targets = random.integers(0, len(LABELS), batch).astype(np.int32)
        tensors: dict[str, Any] = {
            "text": np.array([" ".join(f"w{one}" for one in random.integers(0, 999, 12)) for _ in range(batch)]),
            "text_present": np.ones(batch, bool),
        }
        if picture:
            pixels = random.integers(0, 256, (batch, side_px, side_px, 3)).astype(np.uint8)
            tensors |= {"image": pixels, "image_present": np.ones(batch, bool)}
        self._batch = {key: tf.constant(value) for key, value in tensors.items()}, {"label": tf.constant(targets)}
        self._size = batch
        settings = TrainingSettings(ema_decay=ema_decay)
        self.optimisation = Optimisation(
            network, encoder, Objective(spec, {"label": targets}), settings, steps_per_epoch=1000
        )

    def __call__(self) -> int:
        """Some steps; returns the examples they saw."""
        with arithmetic(self._precision), by_winograd(self._is_native):
            for _ in range(STEPS):
                self.optimisation.step(*self._batch)
        return STEPS * self._size


def checkpoint_cost(trial: Trial) -> None:
    """Prints how long a checkpoint takes, brought to the disk."""
    arrays = trial.optimisation.arrays()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder, "model.npz"), every_s=30)
        taken = []
        for _ in range(9):
            started = time.perf_counter()
            checkpoint.write(trial.optimisation.arrays(), Course())
            taken.append(time.perf_counter() - started)
    size = sum(array.nbytes for array in arrays.values()) / 1e6
    print(f"  a checkpoint of {size:.0f} MB takes {1000 * float(np.median(taken)):.0f} ms", flush=True)


def main() -> None:
    """Prints the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--float32", action="store_true", help="leave bfloat16 out: slow on CPUs without units for it")
    parser.add_argument("--network", action="append", choices=NETWORKS, help="of these; repeatable (default: all)")
    arguments = parser.parse_args()
    for name in arguments.network or NETWORKS:
        trial = Trial(name)
        candidates = {
            "float32": trial,
            "float32, native convolutions": Trial(name, convolutions="winograd"),
            "bfloat16": Trial(name, precision="bfloat16"),
            "float32 with a moving average": Trial(name, ema_decay=0.999),
        }
        if arguments.float32:
            del candidates["bfloat16"]
        compare(f"Training steps: {name}", candidates, unit="examples")
        checkpoint_cost(trial)


if __name__ == "__main__":
    main()
