"""What an exported model says of why it answered, example by example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (its ops must be known before a SavedModel that has them is loaded)
from numpy.typing import NDArray

from model.errors import BundleError
from model.examples import DecodedExample, stack
from model.graph_options import as_written, called_with
from model.signature import EXPLAIN, heatmap_of, target_of
from model.spec import ModelSpec
from model.word_weights import token_weights

BATCH_SIZE = 8


@dataclass(frozen=True)
class Explanation:
    """Why an example was answered with a label.

    Args:
        heatmaps: for each image input that was given where the label was seen, float32 (height, width), 0 or more.
        tokens: for each text or tags input its tokens and how much each moved the probability; see
            `model.word_weights`.
        shares: for each input how much it moved the probability, from `baseline` to `probability`.
        probability: of the label.
        baseline: the same with all inputs absent.
    """

    heatmaps: Mapping[str, NDArray[np.float32]]
    tokens: Mapping[str, list[tuple[str, float]]]
    shares: Mapping[str, float]
    probability: float
    baseline: float


class ExportedExplainer:
    """The `explain` signature of a bundle.

    Args:
        bundle: its directory.
        spec: of the model, with labels.

    Raises:
        BundleError: if TensorFlow can't load it.
    """

    def __init__(self, bundle: Path, spec: ModelSpec) -> None:
        try:
            self._loaded = tf.saved_model.load(str(bundle))  # the function lives as long as this does
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise BundleError(f"the bundle {bundle} can't be loaded: {str(error)[:300]}") from None
        self._explain = self._loaded.signatures[EXPLAIN]
        self._spec = spec

    def __call__(self, examples: Sequence[DecodedExample], targets: Sequence[Mapping[str, str]]) -> list[Explanation]:
        """Explains examples.

        Args:
            examples: with their pictures decoded.
            targets: for each example the label to be explained of each head; a head that is not named is left out.
        """
        answers: list[Explanation] = []
        for start in range(0, len(examples), BATCH_SIZE):
            some, wanted = examples[start : start + BATCH_SIZE], targets[start : start + BATCH_SIZE]
            tensors = stack(self._spec, some)
            for name, head in self._spec.heads.items():
                indices = [head.labels.index(one[name]) if name in one else -1 for one in wanted]
                tensors[target_of(name)] = np.array(indices, np.int32)
            with called_with(as_written()):
                found = self._explain(**{name: tf.constant(array) for name, array in tensors.items()})
            arrays = {name: tensor.numpy() for name, tensor in found.items()}
            answers += [_explanation(self._spec, example, arrays, row) for row, example in enumerate(some)]
        return answers


def _explanation(
    spec: ModelSpec, example: DecodedExample, found: Mapping[str, NDArray[np.generic]], row: int
) -> Explanation:
    return Explanation(
        heatmaps={
            name: found[heatmap_of(name)][row].astype(np.float32)
            for name in spec.inputs
            if heatmap_of(name) in found and name in example
        },
        tokens=token_weights(spec, found, row, inputs=spec.inputs),
        shares=dict(zip(spec.inputs, found["shares"][row].tolist(), strict=True)),
        probability=float(found["probability"][row]),
        baseline=float(found["baseline"][row]),
    )
