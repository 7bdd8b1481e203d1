"""The only module of the service that knows TensorFlow: a bundle loaded, checked and called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.bundle import Bundle
from model.errors import BundleError
from model.examples import DecodedExample, Tensors, stack
from model.greeting import filtered
from model.signature import serving_outputs

with filtered():
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  (a SavedModel with its operations does not load otherwise)

# For each head the probabilities of one example, float32 (classes,).
Probabilities = dict[str, NDArray[np.float32]]


class Runtime:
    """A bundle in memory.

    Args:
        bundle: what to load.

    Raises:
        BundleError: if TensorFlow can't load it, or it disagrees with its own golden examples.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._spec = bundle.spec
        try:
            # Held on to as a whole: the signature alone keeps neither the weights nor the vocabularies alive.
            self._loaded = tf.saved_model.load(str(bundle.path))
            self._serve = self._loaded.signatures["serving_default"]
        except (OSError, ValueError, KeyError, tf.errors.OpError) as error:
            raise BundleError(f"TensorFlow can't load {bundle.path.name}: {error}") from error
        golden = bundle.golden()
        answers = self._call(golden.tensors(bundle.spec))
        golden.check(answers)
        for head, info in serving_outputs(bundle.spec).items():
            given, expected = answers[head].shape[1], info.shape[1]
            if given != expected:
                raise BundleError(f"Head {head!r} has {expected} labels, but the model gives {given} probabilities.")

    def warm_up(self, batch_sizes: Sequence[int]) -> None:
        """Answers an absent example in batches of each size, so that no request pays for the first call."""
        for size in batch_sizes:
            self._call(stack(self._spec, [{}] * size))

    def predict(self, examples: Sequence[DecodedExample]) -> list[Probabilities]:
        """The probabilities of each head for each example; every example alone as in any company."""
        answers = self._call(stack(self._spec, examples))
        return [{head: values[row] for head, values in answers.items()} for row in range(len(examples))]

    def _call(self, tensors: Tensors) -> dict[str, NDArray[np.float32]]:
        answers = self._serve(**{name: tf.constant(array) for name, array in tensors.items()})
        return {head: tensor.numpy() for head, tensor in answers.items()}
