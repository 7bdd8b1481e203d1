"""Ours: run as `python -m benchmarks.training_peers.ours FOLDER SIDE STEPS`.

Writes the problem for the peers, and then takes turns: bare steps on batches that are there, and epochs of `fit`'s own
loop, from the cache on disk.
"""

from __future__ import annotations

import csv
import io
import sys
import threading
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from benchmarks.training_peers.problem import Problem, Words
from benchmarks.turns import take_turns, timed
from model.greeting import filtered

with filtered():
    import tensorflow as tf

    from model.branches.convolving import by_winograd
    from model.build import build
    from model.encoder import Encoder
    from model.rebuild import vocabulary_sizes
    from model.spec import ImageInput
    from model.text import learn_vocabulary, needs_vocabulary, num_ids
    from training import recipe_columns
    from training.checkpoint import Checkpoint
    from training.convolutions import chosen
    from training.epoch import Epoch, Listener
    from training.forward import constants
    from training.objective import Objective
    from training.optimisation import Optimisation
    from training.pipeline import shuffled
    from training.prepare import Prepared, prepare
    from training.progress import Reporter
    from training.trained import train_spec

CLASSES = 12
FEW = 0.25  # of the rows, for each of validation and test beside the training split


def generate(folder: Path, side_px: int, training_rows: int) -> Path:
    """A manifest of pictures, captions of some words, labels and splits; nothing can be learned from it."""
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    vocabulary = ["".join(random.choice(letters, random.integers(3, 10))) for _ in range(4000)]
    manifest = folder / "manifest.csv"
    splits = ["train"] * training_rows + ["val", "test"] * int(FEW * training_rows)
    with manifest.open("w", newline="", encoding="utf-8") as table:
        writer = csv.writer(table)
        writer.writerow(["image", "text", "label", "split"])
        for row, split in enumerate(splits):
            coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
            coarse.resize((side_px, side_px), Image.Resampling.BICUBIC).save(folder / f"{row}.jpg", quality=88)
            words = random.choice(vocabulary, random.integers(4, 13))
            writer.writerow([f"{row}.jpg", " ".join(words), f"label {row % CLASSES}", split])
    return manifest


def prepared(folder: Path, side_px: int, training_rows: int) -> tuple[Prepared, dict[str, Path]]:
    """The default recipe for such a table, its data, and the vocabularies of its branches."""
    manifest = generate(folder, side_px, training_rows)
    columns = {"image": ["image"], "text": ["text"], "tags": [], "label": ["label"], "split": "split"}
    recipe = recipe_columns.from_columns(manifest, name="bench", **columns)
    size = ImageInput(height=side_px, width=side_px).model_dump()
    recipe = recipe.replace(spec={"inputs": {**recipe.spec.model_dump()["inputs"], "image": size}})
    recipe = recipe.replace(training={"epochs": 10_000})
    data = prepare(recipe, cache_dir=folder / "cache", reporter=Reporter(Console(file=io.StringIO())))
    files = {}
    for name, branch in recipe.spec.token_branches.items():
        if needs_vocabulary(branch):
            source = recipe.spec.input_of(name)
            vocabulary = learn_vocabulary(branch, recipe.spec.inputs[source], data.train.texts_of(source))
            files[name] = folder / f"{name}.txt"
            files[name].write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    return data, files


def problem_of(data: Prepared, files: dict[str, Path], folder: Path) -> Problem:
    """What the peers are to train, written to the folder with the examples of the training split."""
    spec, settings, sizes = data.recipe.spec, data.recipe.training, vocabulary_sizes(files)
    picture = spec.branches["image"]
    problem = Problem(
        side_px=spec.inputs["image"].height,
        filters=picture.filters,
        kernel_size=picture.kernel_size,
        picture_units=picture.units,
        picture_dropout=picture.dropout,
        words=tuple(
            Words(name, num_ids(one, sizes.get(name, 0)), one.dimension, one.units, one.activation, one.dropout)
            for name, one in spec.token_branches.items()
        ),
        trunk_units=spec.trunk.units[0],
        trunk_dropout=spec.trunk.dropout,
        classes=len(spec.heads["label"].labels),
        batch_size=settings.batch_size,
        steps=len(data.train) // settings.batch_size,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        clip_norm=settings.clip_norm,
        ema_decay=settings.ema_decay,
    )
    batch = data.train.batch(np.arange(len(data.train)))
    tokens = Encoder(spec, files).tokens(constants(batch))
    ids = {name: one.ids.numpy().astype(np.int32) for name, one in tokens.items()}
    problem.save(folder, {"image": batch["image"], "label": data.train.targets["label"], **ids})
    return problem


def bare_steps(data: Prepared, files: dict[str, Path]) -> tuple[Callable[[], int], int]:
    """The default training step on batches in memory, an epoch a turn; and how many weights it moves."""
    spec, settings = data.recipe.spec, data.recipe.training
    network = build(spec, vocabulary_sizes(files))
    optimisation = Optimisation(
        network, Encoder(spec, files), Objective(spec, data.train.targets), settings, steps_per_epoch=1000
    )
    batches = shuffled(data.train, settings.batch_size, absent_rate=settings.absent_rate, seed=(0, 0))
    ready = [(constants(batch), constants(targets)) for batch, targets in batches]
    coming = cycle(ready)

    def run() -> int:
        with by_winograd(chosen(settings.convolutions, settings.precision) == "winograd"):
            for batch in islice(coming, len(ready)):
                optimisation.step(*batch)
        return len(data.train)

    return run, sum(weights.numpy().size for weights in network.trainable_weights)


class Fit:
    """The loop of `fit`, which stands still after each epoch until it is its turn again.

    Args:
        data: the examples.
        files: the vocabularies.
        folder: of the checkpoint.
    """

    def __init__(self, data: Prepared, files: dict[str, Path], folder: Path) -> None:
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._first = self._last = self.waited = 0.0
        self._error: BaseException | None = None
        self._examples = len(data.train) - data.recipe.training.batch_size
        settings = data.recipe.training

        def run() -> None:
            self._go.acquire()
            checkpoint = Checkpoint(folder / "checkpoint.npz", every_s=settings.checkpoint_every_s)
            try:
                train_spec(data.recipe.spec, data, files, Listener(self._step, self._epoch), checkpoint=checkpoint)
            except BaseException as error:
                self._error = error
            self._done.release()

        threading.Thread(target=run, daemon=True).start()

    def turn(self) -> tuple[int, float]:
        """One epoch: examples after its first step, and the seconds from there to the end of its last."""
        self._first = 0.0
        self._go.release()
        self._done.acquire()
        if self._error is not None:
            raise self._error
        return self._examples, self._last - self._first

    def _step(self, done: int, total: int, loss: float, rate: float) -> None:  # noqa: ARG002
        self._last = time.perf_counter()
        self._first = self._first or self._last

    def _epoch(self, epoch: Epoch, is_best: bool) -> None:  # noqa: ARG002
        self.waited = epoch.waited_s / (self._last - self._first)
        self._done.release()
        self._go.acquire()


def main(folder: Path, side_px: int, steps: int) -> None:
    """Writes the problem and takes turns."""
    data, files = prepared(folder, side_px, steps * 32)
    problem_of(data, files, folder)
    step, parameters = bare_steps(data, files)
    fit = Fit(data, files, folder)
    waiting = {"waiting": lambda: (fit.waited, 1.0)}
    facts = {"parameters": parameters, "version": tf.__version__}
    take_turns({"step": timed(step), "fit": fit.turn, **waiting}, facts=facts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
