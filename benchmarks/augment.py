"""Moving pictures: what we do, and the other ways there are. Then what each kind of variation costs."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from benchmarks.interleaved import compare
from training.augment import pictures
from training.augment_settings import AugmentSettings

BATCH_SIZE, SIDE_PX, ROUNDS = 32, 64, 10
MOVES = AugmentSettings(flip=0.5, shift=0.1, zoom=0.1, rotation=15)
KINDS = {
    "flip": AugmentSettings(flip=0.5),
    "flip, shift, zoom, rotation": MOVES,
    "colour": AugmentSettings(colour=0.2),
    "erasing": AugmentSettings(erasing=0.25),
    "all of them": MOVES.model_copy(update={"colour": 0.2, "erasing": 0.25}),
}

GIVEN = np.ones(BATCH_SIZE, bool)
SEEDS = np.arange(BATCH_SIZE, dtype=np.uint64)
BATCH = np.random.default_rng(0).integers(0, 256, (BATCH_SIZE, SIDE_PX, SIDE_PX, 3), np.uint8)


def matrices() -> NDArray[np.float32]:
    """Where each pixel comes from, (batch, 8) as TensorFlow has it: the same moves as ours."""
    random = np.random.default_rng(0)
    angle, scale = random.uniform(-0.26, 0.26, BATCH_SIZE), random.uniform(0.9, 1.1, BATCH_SIZE)
    mirror, move = random.choice([-1, 1], BATCH_SIZE), random.uniform(-6.4, 6.4, (BATCH_SIZE, 2))
    found, middle = np.zeros((BATCH_SIZE, 8), np.float32), (SIDE_PX - 1) / 2
    found[:, 0], found[:, 1] = np.cos(angle) / scale * mirror, np.sin(angle) / scale
    found[:, 3], found[:, 4] = -np.sin(angle) / scale * mirror, np.cos(angle) / scale
    for row in (0, 3):
        found[:, row + 2] = middle - (found[:, row] + found[:, row + 1]) * middle + move[:, row // 3]
    return found


MATRICES = matrices()


def ours() -> None:
    """Pillow, a picture at a time; outside is the colour of the border."""
    pictures(BATCH, GIVEN, MOVES, SEEDS)


def by_numpy() -> None:
    """All pixels at once from their four neighbours; outside is the nearest pixel."""
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
    matrix = MATRICES[:, :, None, None]
    x = np.clip(matrix[:, 0] * columns + matrix[:, 1] * rows + matrix[:, 2], 0, SIDE_PX - 1)  # (B, height, width)
    y = np.clip(matrix[:, 3] * columns + matrix[:, 4] * rows + matrix[:, 5], 0, SIDE_PX - 1)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, bottom = np.minimum(left + 1, SIDE_PX - 1), np.minimum(top + 1, SIDE_PX - 1)
    x, y = (x - left)[..., None], (y - top)[..., None]
    pixels, start = BATCH.reshape(-1, 3), np.arange(BATCH_SIZE)[:, None, None] * SIDE_PX**2

    def at(row: NDArray[np.int32], column: NDArray[np.int32]) -> NDArray[np.uint8]:
        return pixels[start + row * SIDE_PX + column]

    upper = at(top, left) * (1 - x) + at(top, right) * x
    lower = at(bottom, left) * (1 - x) + at(bottom, right) * x
    (upper * (1 - y) + lower * y + 0.5).astype(np.uint8)


@tf.function(autograph=False)
def _by_tensorflow(batch: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(batch, tf.float32),
        transforms=matrix,
        output_shape=[SIDE_PX, SIDE_PX],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )
    return tf.cast(tf.round(moved), tf.uint8)


def by_tensorflow() -> None:
    """One operation of TensorFlow; outside is the nearest pixel."""
    _by_tensorflow(BATCH, MATRICES).numpy()


LAYERS = keras.Sequential(
    [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
        keras.layers.RandomZoom(0.1, fill_mode="nearest"),
        keras.layers.RandomRotation(15 / 360, fill_mode="nearest"),
    ]
)


@tf.function(autograph=False)
def _by_keras(batch: tf.Tensor) -> tf.Tensor:
    return LAYERS(tf.cast(batch, tf.float32), training=True)


def by_keras() -> None:
    """Four layers of Keras, compiled."""
    _by_keras(BATCH).numpy()


def batches(work: Callable[[], None]) -> Callable[[], int]:
    """Does it some times; returns how many pictures that were."""

    def run() -> int:
        for _ in range(ROUNDS):
            work()
        return ROUNDS * BATCH_SIZE

    return run


def main() -> None:
    """Prints both comparisons."""
    candidates = {
        "ours: Pillow": ours,
        "NumPy": by_numpy,
        "tf.raw_ops.ImageProjectiveTransformV3": by_tensorflow,
        "Keras layers": by_keras,
    }
    work = {name: batches(one) for name, one in candidates.items()}
    title = f"Flip, shift, zoom and rotation of {SIDE_PX}x{SIDE_PX}, batches of {BATCH_SIZE}"
    compare(title, work, unit="pictures")
    compare(f"{title}, by the CPU time that the step loses", work, unit="pictures", clock=time.process_time)

    def varied(settings: AugmentSettings) -> Callable[[], None]:
        def run() -> None:
            pictures(BATCH, GIVEN, settings, SEEDS)

        return run

    compare("Kinds of variation", {name: batches(varied(given)) for name, given in KINDS.items()}, unit="pictures")


if __name__ == "__main__":
    main()
