"""Every way to compute probabilities, on networks of every kind: the same answers, and the SavedModel as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model.export import Exported
from model.serving import halves, signatures
from model.signature import EXPLAIN, SERVING, target_of
from model.spec import ModelSpec
from service.runtime import openvino_network, saved_model
from tests.model.test_matrix import make, save, tensors


def spec(words: str, merge: str) -> ModelSpec:
    return ModelSpec.parse(
        {
            "inputs": {"image": {"kind": "image", "height": 16, "width": 16}, "text": {"kind": "text"}},
            "branches": {
                "image": {"kind": "conv", "filters": [4, 4], "units": 8},
                "text": {"kind": words, "tokenizer": "word_ngrams", "units": 8},
            },
            "merge": {"kind": merge},
            "heads": {"answer": {"kind": "single_label", "labels": ["a", "b", "c"]}},
        },
        what="spec",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "merge"),
    [("recurrent", "cross_attention"), ("transformer", "gated"), ("convolution", "film"), ("embedding", "bilinear")],
)
def test_all_answer_alike_and_freezing_leaves_the_rest_as_it_was(words: str, merge: str, tmp_path: Path) -> None:
    made, given = make(spec(words, merge), tmp_path), tensors(spec(words, merge))
    save(made, signatures(made.spec, made.encoder, made.network), tmp_path)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    serve = loaded.signatures[SERVING]
    expected = saved_model.call(serve, given)["answer"]
    explained = {**given, target_of("answer"): np.array([0, 1, 0, 1, 0, -1], np.int32)}
    shares = saved_model.call(loaded.signatures[EXPLAIN], explained)["shares"]
    backends = [
        saved_model.frozen(serve, bfloat16=False),
        openvino_network.compiled(loaded, ["answer"], bfloat16=False, calls=1, threads=2),
    ]

    for backend in backends:
        for size in (6, 1, 4):
            batch = {name: array[:size] for name, array in given.items()}
            np.testing.assert_allclose(backend(batch)["answer"], expected[:size], atol=1e-5)
    np.testing.assert_array_equal(saved_model.call(serve, given)["answer"], expected)
    np.testing.assert_allclose(saved_model.call(loaded.signatures[EXPLAIN], explained)["shares"], shares, atol=1e-6)


@pytest.mark.slow
def test_each_head_has_its_own_answers_in_whatever_order_they_are_named(tmp_path: Path) -> None:
    heads = {name: {"kind": "single_label", "labels": ["a", "b", "c"]} for name in ("zeta", "answer", "middle")}
    words = {"kind": "embedding", "tokenizer": "word_ngrams"}
    parts = {"inputs": {"text": {"kind": "text"}}, "branches": {"text": words}, "heads": heads}
    made = make(ModelSpec.parse(parts, what="spec"), tmp_path)
    exported = Exported(made.encoder, made.network, halves(made.spec, made.encoder, made.network))
    functions = signatures(made.spec, made.encoder, made.network)
    tf.saved_model.save(exported, str(tmp_path / "saved"), signatures=functions)
    loaded, given = tf.saved_model.load(str(tmp_path / "saved")), tensors(made.spec)
    expected = saved_model.call(loaded.signatures[SERVING], given)

    for backend in (
        saved_model.frozen(loaded.signatures[SERVING], bfloat16=False),
        openvino_network.compiled(loaded, list(heads), bfloat16=False, calls=1, threads=2),
    ):
        answers = backend(given)
        for head in heads:
            np.testing.assert_allclose(answers[head], expected[head], atol=1e-5)
