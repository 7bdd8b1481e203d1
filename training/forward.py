"""A network asked for its answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.encoder import Encoder
from model.spec import ModelSpec
from training.pipeline import Examples, Prefetched, in_order

EVALUATION_BATCH_SIZE = 256

Forward = Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]


def forward_pass(
    network: keras.Model, encoder: Encoder, spec: ModelSpec, *, names: Collection[str] | None = None
) -> Forward:
    """The network without dropout as one compiled function: tensors of `serving_inputs` -> logits of each head.

    Args:
        network: of `model.build`.
        encoder: its tokenizers.
        spec: of the network.
        names: of the logits wanted in place of those of the heads.
    """
    wanted = list(spec.heads if names is None else names)

    @tf.function(input_signature=[encoder.input_signature], autograph=False)
    def forward(tensors: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = network(encoder(tensors), training=False)
        return {name: outputs[name] for name in wanted}

    return forward


def predict_logits(forward: Forward, examples: Examples) -> dict[str, NDArray[np.float32]]:
    """The logits of each head for all examples, in order: float32 (examples, classes)."""
    with Prefetched(in_order(examples, EVALUATION_BATCH_SIZE)) as batches:
        parts = [forward(constants(batch)) for batch in batches]
    return {head: np.concatenate([part[head].numpy() for part in parts]) for head in parts[0]}


def constants(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, tf.Tensor]:
    """Arrays as tensors."""
    return {name: tf.constant(array) for name, array in arrays.items()}
