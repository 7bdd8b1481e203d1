"""Why a model gives one label, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.signature import heatmap_of
from model.spec import ImageInput, ModelSpec
from model.word_weights import token_weights


@dataclass(frozen=True)
class Explanation:
    """What moved the probability of one label of one head.

    Args:
        head: whose label is explained.
        label: the label.
        probability: of the label with the inputs as they were given.
        baseline: the same with every input absent.
        shares: for each input how much it moved the probability; they sum to probability less baseline.
        heatmaps: for each picture that was given, float32 (height, width), where the label was seen; 0 or more.
        tokens: for each text or tags input, the tokens in their order and how much each moved the probability; see
            `model.word_weights`.
    """

    head: str
    label: str
    probability: float
    baseline: float
    shares: Mapping[str, float]
    heatmaps: Mapping[str, NDArray[np.float32]]
    tokens: Mapping[str, Sequence[tuple[str, float]]]


def from_tensors(
    spec: ModelSpec, head: str, label: int, outputs: Mapping[str, NDArray[np.generic]], present: frozenset[str]
) -> Explanation:
    """The first example of what the signature `explain` gives.

    Args:
        spec: of the model.
        head: whose label was the only target.
        label: index of that label.
        outputs: the tensors of `model.signature.explain_outputs`.
        present: inputs that the example has.
    """
    images = [name for name, given in spec.inputs.items() if isinstance(given, ImageInput) and name in present]
    return Explanation(
        head=head,
        label=spec.heads[head].labels[label],
        probability=float(outputs["probability"][0]),
        baseline=float(outputs["baseline"][0]),
        shares=dict(zip(spec.inputs, outputs["shares"][0].tolist(), strict=True)),
        heatmaps={name: np.asarray(outputs[heatmap_of(name)][0], np.float32) for name in images},
        tokens=token_weights(spec, outputs, 0, inputs=present),
    )
