"""The SavedModel as its documentation says that any TensorFlow program calls it. The same for every peer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (a SavedModel with its operations does not load otherwise)
from numpy.typing import NDArray

from model import images


class Classifier:
    """Encoded pictures and texts -> probabilities.

    Args:
        saved_model: the directory of the SavedModel.
        intra_op: threads that TensorFlow gives one operation; its own choice if None.
        decode_threads: that decode the pictures of a batch; 1 decodes in the caller's thread.
        warm_up: batch sizes that are called once before the first request.
    """

    def __init__(
        self, saved_model: Path, *, intra_op: int | None, decode_threads: int = 1, warm_up: Sequence[int] = (1,)
    ) -> None:
        if intra_op is not None:
            tf.config.threading.set_intra_op_parallelism_threads(intra_op)
        spec = json.loads((saved_model / "assets.extra" / "bifocal.json").read_text(encoding="utf-8"))["spec"]
        self.labels: list[str] = spec["heads"]["label"]["labels"]
        self._height, self._width = spec["inputs"]["image"]["height"], spec["inputs"]["image"]["width"]
        self._loaded = tf.saved_model.load(str(saved_model))
        self._serve = self._loaded.signatures["serving_default"]
        self._pool = ThreadPoolExecutor(decode_threads) if decode_threads > 1 else None
        for size in warm_up:
            self.infer(np.zeros((size, self._height, self._width, 3), np.uint8), [""] * size)

    def decode(self, image: bytes) -> NDArray[np.uint8]:
        """A picture at the model's size, uint8 (height, width, 3)."""
        return images.decode(image, height=self._height, width=self._width)

    def infer(self, pixels: NDArray[np.uint8], texts: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities, float32 (batch, labels), for pictures, uint8 (batch, height, width, 3), and texts."""
        present = tf.ones(len(texts), tf.bool)
        answers = self._serve(
            image=tf.constant(pixels),
            image_present=present,
            text=tf.constant(np.array(texts, object)),
            text_present=present,
        )
        return answers["label"].numpy()

    def predict(self, pictures: Sequence[bytes], texts: Sequence[str]) -> NDArray[np.float32]:
        """The same for encoded pictures."""
        decode = self._pool.map if self._pool and len(pictures) > 1 else map
        return self.infer(np.stack(list(decode(self.decode, pictures))), texts)

    def answer(self, probabilities: NDArray[np.float32]) -> dict[str, object]:
        """What a caller is told, from the probabilities of one example, float32 (labels,)."""
        values = probabilities.tolist()
        return {
            "label": self.labels[values.index(max(values))],
            "probabilities": dict(zip(self.labels, values, strict=True)),
        }
