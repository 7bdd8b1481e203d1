"""What training makes small."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from model.spec import ModelSpec
from training.objective import Objective


def spec_of(**head: object) -> ModelSpec:
    return ModelSpec.parse(
        {
            "inputs": {"photo": {"kind": "image"}, "title": {"kind": "text"}},
            "branches": {"photo": {"kind": "conv"}, "title": {"kind": "embedding"}},
            "heads": {"answer": {"kind": "single_label", "labels": ["x", "y"], "auxiliary_weight": 0.5, **head}},
        },
        what="spec",
    )


def test_a_head_that_adds_its_copies_learns_by_what_it_says_itself() -> None:
    random = np.random.default_rng(0)
    names = ("answer", "answer.merged", "answer.photo", "answer.title")
    logits = {name: tf.constant(random.normal(size=(4, 2)), tf.float32) for name in names}
    targets = {"answer": tf.constant([0, 1, 1, 0])}
    added, plain = (Objective(spec_of(add_auxiliary=given), {"answer": np.zeros(4, int)}) for given in (True, False))

    del (without := dict(logits))["answer.merged"]
    expected = plain({**without, "answer": logits["answer.merged"]}, targets)

    assert float(added(logits, targets)) == pytest.approx(float(expected))
    assert float(added.of_answers(logits, targets)) == float(
        added.of_head("answer", logits["answer"], targets["answer"])
    )
