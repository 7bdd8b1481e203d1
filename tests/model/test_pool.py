"""Heads whose copies on single views are added to them, each with its weight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model import weights
from model.build import FUSION
from model.errors import SpecError
from model.heads import pooled
from model.merges.pool import LogarithmicPool
from model.spec import ModelSpec
from tests.model.made_up import make, tensors

DATA = {
    "inputs": {"photo": {"kind": "image", "height": 12, "width": 12}, "title": {"kind": "text"}},
    "branches": {
        "photo": {"kind": "conv", "filters": [3], "units": 5, "activation": "tanh"},
        "title": {"kind": "embedding", "dimension": 4, "units": 5, "activation": "tanh"},
    },
    "heads": {"answer": {"kind": "single_label", "labels": ["x", "y"], "auxiliary_weight": 1.0, "add_auxiliary": True}},
}
SPEC = ModelSpec.parse(DATA, what="spec")
PLAIN = ModelSpec.parse({**DATA, "heads": {"answer": {**DATA["heads"]["answer"], "add_auxiliary": False}}}, what="spec")


def test_logits_are_summed_by_weights_that_do_not_train() -> None:
    one, two = (np.array([[1.0, 2.0], [3.0, 4.0]], np.float32) * scale for scale in (1, 10))
    pool = LogarithmicPool()
    pool([one, two])
    pool.shares.assign([2.0, 0.5])

    np.testing.assert_array_equal(pool([one, two]), [[7, 14], [21, 28]])
    assert pool.trainable_variables == []


def test_a_head_is_what_it_says_itself_and_what_its_copies_say_of_present_inputs(tmp_path: Path) -> None:
    added, plain = make(SPEC, tmp_path), make(PLAIN, tmp_path)
    weights.assign(plain.network, weights.values(added.network))
    shares = np.array([0.5, 2.0, 3.0])
    added.network.get_layer(FUSION).get_layer("answer.pool").shares.assign(shares)
    given = tensors(SPEC)
    given["photo_present"] = np.arange(len(given["photo_present"])) % 2 == 0
    encoded = added.encoder({name: tf.constant(array) for name, array in given.items()})

    total, alone = (made.network(encoded, training=False) for made in (added, plain))

    photo, title = (encoded[f"{name}_present"].numpy()[:, np.newaxis] for name in ("photo", "title"))
    said = [alone["answer"], photo * alone["answer.photo"], title * alone["answer.title"]]
    np.testing.assert_allclose(total["answer"], sum(said * shares[:, None, None]), rtol=1e-5, atol=1e-6)
    for name, expected in zip(pooled(SPEC, "answer"), said, strict=True):
        np.testing.assert_allclose(total[name], expected, rtol=1e-5, atol=1e-6)


def test_added_copies_are_exported(tmp_path: Path) -> None:
    exported = make(SPEC.portable(), tmp_path)

    assert {"answer.photo", "answer.title", "answer.pool"} < set(weights.parts(exported.network))


def test_one_view_has_nothing_to_add() -> None:
    head = SPEC.only(["title"]).heads["answer"]

    assert (head.auxiliary_weight, head.add_auxiliary) == (0, False)


def test_copies_that_are_not_trained_can_not_be_added() -> None:
    heads = {"answer": {"kind": "single_label", "add_auxiliary": True}}

    with pytest.raises(SpecError, match=r"heads\.answer\.add_auxiliary: there are no copies to add"):
        ModelSpec.parse({**DATA, "heads": heads}, what="spec")
