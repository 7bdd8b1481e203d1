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
from service.runtime import saved_model
from service.runtime.openvino_network import OpenVINONetwork
from service.runtime.quantization import quantize
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
        OpenVINONetwork(loaded, ["answer"], calls=1, threads=2).float32(),
    ]

    for backend in backends:
        for size in (6, 1, 4):
            batch = {name: array[:size] for name, array in given.items()}
            np.testing.assert_allclose(backend(batch)["answer"], expected[:size], atol=1e-5)
    np.testing.assert_array_equal(saved_model.call(serve, given)["answer"], expected)
    np.testing.assert_allclose(saved_model.call(loaded.signatures[EXPLAIN], explained)["shares"], shares, atol=1e-6)


PICTURES = {
    "conv": {"kind": "conv", "filters": [4, 6, 6], "units": 8},
    "inception": {"kind": "inception", "filters": [2, 3], "kernel_sizes": [1, 3], "units": 8},
    "residual": {"kind": "residual", "filters": [4, 6], "blocks": 1, "units": 8},
    "pretrained": {"kind": "pretrained", "network": "MobileNetV2"},
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_of_every_kind_of_branch_are_rounded_and_no_words(kind: str, tmp_path: Path) -> None:
    side = 32 if kind == "pretrained" else 16
    parts = {
        "inputs": {
            "front": {"kind": "image", "height": side, "width": side},
            "back": {"kind": "image", "branch_of": "front"},
            "text": {"kind": "text"},
        },
        "branches": {"front": PICTURES[kind], "text": {"kind": "convolution", "tokenizer": "word_ngrams", "units": 8}},
        "heads": {"answer": {"kind": "single_label", "labels": ["a", "b", "c"]}},
    }
    made = make(ModelSpec.parse(parts, what="spec"), tmp_path)
    given = tensors(made.spec)
    exported = Exported(made.encoder, made.network, halves(made.spec, made.encoder, made.network))
    functions = signatures(made.spec, made.encoder, made.network)
    tf.saved_model.save(exported, str(tmp_path / "saved"), signatures=functions)
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    expected = saved_model.call(loaded.signatures[SERVING], given)["answer"]
    network = OpenVINONetwork(loaded, ["answer"], calls=1, threads=2)
    places = network.halves.places(network.converted)
    rounded = quantize(network.converted, network.halves.encoded(given, places))

    def inputs_of(kind: str) -> int:
        """How many convolutions have one that is of this kind before them."""
        convolutions = [node for node in rounded.get_ordered_ops() if node.get_type_name() == "Convolution"]
        return sum(node.input_value(0).get_node().get_type_name() == kind for node in convolutions)

    # Of either picture all but the first: two, two side by side, five, thirty-four.
    assert inputs_of("FakeQuantize") == {"conv": 4, "inception": 4, "residual": 10, "pretrained": 68}[kind]
    difference = np.abs(network.int8(given)(given)["answer"] - expected).max()
    assert 0 < difference <= 0.05


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
        OpenVINONetwork(loaded, list(heads), calls=1, threads=2).float32(),
    ):
        answers = backend(given)
        for head in heads:
            np.testing.assert_allclose(answers[head], expected[head], atol=1e-5)
