"""What TensorFlow computes of a model, before another runtime takes over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model.examples import Tensors


class Halves:
    """What TensorFlow computes of a model, and how OpenVINO takes it over."""

    def __init__(self, encode: Any, classify: Any) -> None:
        self._encode = encode
        taken = classify.structured_input_signature[0][0]
        self._names = sorted(taken)  # the order of a function's flat inputs
        # `encode` only passes pictures on; given none at all in their place, it copies none.
        self._empty_pictures = {
            name: tf.zeros([0, *spec.shape[1:]], spec.dtype) for name, spec in taken.items() if spec.dtype == tf.uint8
        }
        self._tensors = [tensor.name.partition(":")[0] for tensor in classify.inputs[: len(self._names)]]
        self._prepared: _Prepared | None = None

    def places(self, model: Any) -> list[int]:
        """Where among the inputs of a model, converted or compiled, the network's are."""
        # OpenVINO orders its inputs as it likes, and calls some after the tensor, some after its operation.
        places = {one.get_any_name().partition(":")[0]: place for place, one in enumerate(model.inputs)}
        return [places[tensor] for tensor in self._tensors]

    def encoded(self, tensors: Tensors, places: list[int]) -> dict[int, NDArray[Any]]:
        """What the network takes, by the places of its inputs."""
        words = self._words(tensors)
        prepared, self._prepared = self._prepared, None
        if prepared is not None and all(np.array_equal(words[name], value) for name, value in prepared.words.items()):
            encoded = prepared.encoded
        else:
            encoded = self._encoded(words)
        return {
            place: tensors[name] if name in self._empty_pictures else encoded[name]
            for place, name in zip(places, self._names, strict=True)
        }

    def prepare(self, tensors: Tensors) -> None:
        """Encodes words that any thread is likely to ask for next; they are remembered until the next call."""
        words = self._words(tensors)
        self._prepared = _Prepared(words, self._encoded(words))

    def _words(self, tensors: Tensors) -> Tensors:
        """All but the pictures."""
        return {name: array for name, array in tensors.items() if name not in self._empty_pictures}

    def _encoded(self, words: Tensors) -> Tensors:
        given = {name: tf.constant(array) for name, array in words.items()}
        encoded = self._encode(given | self._empty_pictures)
        return {name: tensor.numpy() for name, tensor in encoded.items() if name not in self._empty_pictures}


@dataclass(frozen=True)
class _Prepared:
    """Words, and what the tokenizers make of them."""

    words: Tensors
    encoded: Tensors
