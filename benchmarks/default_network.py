"""The model that `fit` makes by default of a picture and a text, on one batch of random ones."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from model.build import build
from model.encoder import Encoder
from model.spec import ModelSpec
from training.default_model import TRAINING, default_spec
from training.objective import Objective
from training.optimisation import Optimisation
from training.training_settings import TrainingSettings

LABELS = tuple("abcdefghijkl")
WORDS_A_TEXT = 12


def spec(side_px: int) -> ModelSpec:
    """The default spec, with a hashed tokenizer in place of a learned vocabulary."""
    made = default_spec(
        {"image": {"kind": "image", "height": side_px, "width": side_px}, "text": {"kind": "text"}},
        {"label": {"kind": "single_label", "labels": LABELS}},
    )
    made["branches"]["text"]["tokenizer"] = {"kind": "word_ngrams", "sizes": [1]}
    return ModelSpec.parse(made, what="spec")


class Trial:
    """That model with what trains it.

    Args:
        side_px: of the pictures.
        batch_size: examples in the batch.
    """

    def __init__(self, *, side_px: int, batch_size: int) -> None:
        made = spec(side_px)
        network, encoder = build(made, {}), Encoder(made, {})
        random = np.random.default_rng(0)
        targets = random.integers(0, len(LABELS), batch_size).astype(np.int32)
        texts = [" ".join(f"w{one}" for one in random.integers(0, 999, WORDS_A_TEXT)) for _ in range(batch_size)]
        self._tensors = {
            "image": tf.constant(random.integers(0, 256, (batch_size, side_px, side_px, 3)).astype(np.uint8)),
            "image_present": tf.ones(batch_size, tf.bool),
            "text": tf.constant(texts),
            "text_present": tf.ones(batch_size, tf.bool),
        }
        self._targets = {"label": tf.constant(targets)}
        self._optimisation = Optimisation(
            network, encoder, Objective(made, {"label": targets}), TrainingSettings(**TRAINING), steps_per_epoch=1000
        )
        self._answer = tf.function(lambda tensors: network(encoder(tensors), training=False)["label"], autograph=False)

    def train(self) -> None:
        """A training step."""
        self._optimisation.step(self._tensors, self._targets)

    def answer(self) -> None:
        """The logits of the batch."""
        self._answer(self._tensors).numpy()
