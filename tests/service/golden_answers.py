"""Two golden examples of a model with two heads, and what has to be answered to them."""

from __future__ import annotations

import numpy as np

from model.examples import Tensors
from model.spec import ModelSpec
from service.backends import Answers
from service.runtime.agreement import Agreement

SPEC = ModelSpec.parse(
    {
        "inputs": {"text": {"kind": "text"}},
        "branches": {"text": {"kind": "embedding"}},
        "heads": {
            "one": {"kind": "single_label", "labels": ["a", "b"]},
            "many": {"kind": "multi_label", "labels": ["x", "y"]},
        },
    },
    what="spec",
)
EXPECTED: Answers = {
    "one": np.array([[0.7, 0.3], [0.495, 0.505]], np.float32),
    "many": np.array([[0.7, 0.3], [0.9, 0.61]], np.float32),
}
THRESHOLDS = {"many": np.array([0.5, 0.6], np.float32)}
AGREEMENT = Agreement({"text": np.array(["first", "second"], object)}, EXPECTED, SPEC, THRESHOLDS)


def repeated(answers: Answers, tensors: Tensors) -> Answers:
    """As many answers as were asked for."""
    size = len(tensors["text"])
    return {head: np.resize(values, (size, values.shape[1])) for head, values in answers.items()}


def other(head: str, row: int, column: int, value: float) -> Answers:
    """The golden answers but for one probability."""
    answers = {name: values.copy() for name, values in EXPECTED.items()}
    answers[head][row, column] = value
    return answers
