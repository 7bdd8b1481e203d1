"""What was exported, from the point of view of a program that knows TensorFlow alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model.bundle import Bundle
from model.encoder import Encoder
from model.errors import BundleError
from model.export import export
from model.rebuild import rebuild
from model.signature import explain_inputs, explain_outputs, serving_inputs, serving_outputs
from training.fit import Fitted

# Run with -I elsewhere: no module of this project can be imported, and none may be needed.
STRANGER = """
import json, sys
import tensorflow as tf, tensorflow_text
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
answer = serve(
    image=tf.zeros([2, 12, 10, 3], tf.uint8), image_present=tf.constant([False, True]),
    text=tf.constant(["a tomato", ""]), text_present=tf.constant([True, False]),
    tags=tf.constant(["", ""]), tags_present=tf.constant([False, False]),
)
assert not any(name.split(".")[0] in ("model", "training", "service") for name in sys.modules)
print(json.dumps(answer["colour"].numpy().tolist()))
"""


def test_the_signature_is_the_one_the_spec_says(tiny_fitted: Fitted) -> None:
    spec = Bundle(tiny_fitted.published).spec
    serve = tf.saved_model.load(str(tiny_fitted.published)).signatures["serving_default"]

    taken = {name: (one.dtype.name, tuple(one.shape)) for name, one in serve.structured_input_signature[1].items()}
    assert taken == {name: (info.dtype, info.shape) for name, info in serving_inputs(spec).items()}
    given = {name: (one.dtype.name, tuple(one.shape)) for name, one in serve.structured_outputs.items()}
    assert given == {name: (info.dtype, info.shape) for name, info in serving_outputs(spec).items()}


def test_a_program_without_this_project_can_call_it(tiny_fitted: Fitted, tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-c", STRANGER, str(tiny_fitted.published)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)

    probabilities = np.array(json.loads(done.stdout))
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_an_example_alone_gets_what_it_gets_in_a_batch(tiny_fitted: Fitted) -> None:
    bundle = Bundle(tiny_fitted.published)
    golden = bundle.golden()
    loaded = tf.saved_model.load(str(bundle.path))
    tensors = {name: tf.constant(array) for name, array in golden.tensors(bundle.spec).items()}

    for row in range(len(golden.examples)):
        alone = loaded.signatures["serving_default"](**{name: one[row : row + 1] for name, one in tensors.items()})
        np.testing.assert_allclose(alone["colour"][0], golden.probabilities["colour"][row], atol=1e-5)


def test_the_merged_vector_and_explanations_are_signatures_too(tiny_fitted: Fitted) -> None:
    bundle = Bundle(tiny_fitted.published)
    loaded = tf.saved_model.load(str(bundle.path))
    tensors = {name: tf.constant(array) for name, array in bundle.golden().tensors(bundle.spec).items()}
    targets = {"colour_target": tf.zeros(len(tensors["text"]), tf.int32)}

    assert loaded.signatures["features"](**tensors)["features"].shape == (len(tensors["text"]), 8 + 8 + 3)
    explain = loaded.signatures["explain"]
    taken = {name: (one.dtype.name, tuple(one.shape)) for name, one in explain.structured_input_signature[1].items()}
    assert taken == {name: (info.dtype, info.shape) for name, info in explain_inputs(bundle.spec).items()}
    assert set(explain(**tensors, **targets)) == set(explain_outputs(bundle.spec))


class Mixed(Encoder):
    """Once it is a graph, gives each example another one's inputs."""

    def __call__(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        encoded = super().__call__(tensors)
        return {name: tf.reverse(one, [0]) for name, one in encoded.items()} if tf.inside_function() else encoded


def test_an_export_that_disagrees_is_not_kept(tiny_fitted: Fitted, tmp_path: Path) -> None:
    made = rebuild(Bundle(tiny_fitted.published))
    vocabularies = {name: tiny_fitted.run.vocabulary(name) for name in ("text", "tags")}

    with pytest.raises(
        BundleError, match=r"loaded in a fresh process, answers differently: output .* of the signature"
    ):
        export(
            Mixed(made.spec, vocabularies),
            made.network,
            directory=tmp_path / "bundle",
            metadata=Bundle(tiny_fitted.published).metadata,
            golden_examples=Bundle(tiny_fitted.published).golden().examples,
            vocabularies=vocabularies,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_rebuilt_network_answers_what_was_exported(tiny_fitted: Fitted) -> None:
    bundle = Bundle(tiny_fitted.published)
    made, golden = rebuild(bundle), bundle.golden()
    tensors = {name: tf.constant(array) for name, array in golden.tensors(bundle.spec).items()}

    logits = made.network(made.encoder(tensors), training=False)["colour"] / made.temperatures["colour"]
    np.testing.assert_allclose(tf.nn.softmax(logits), golden.probabilities["colour"], atol=1e-5)


@pytest.mark.slow
def test_temperatures_are_in_the_graph_and_the_card_beside_it(tiny_fitted: Fitted, tmp_path: Path) -> None:
    bundle = Bundle(tiny_fitted.run.bundle)
    made, examples = rebuild(bundle), bundle.golden().examples
    metadata = bundle.metadata.model_copy(update={"temperatures": {"colour": 2.5}})
    vocabularies = {name: tiny_fitted.run.vocabulary(name) for name in ("text", "tags")}
    export(
        made.encoder,
        made.network,
        directory=tmp_path / "bundle",
        metadata=metadata,
        golden_examples=examples,
        vocabularies=vocabularies,
        model_card="# Card\n",
    )

    exported = Bundle(tmp_path / "bundle")
    golden = exported.golden()
    tensors = {name: tf.constant(array) for name, array in golden.tensors(exported.spec).items()}
    expected = tf.nn.softmax(made.network(made.encoder(tensors), training=False)["colour"] / 2.5).numpy()
    np.testing.assert_allclose(golden.probabilities["colour"], expected, atol=1e-6)
    loaded = tf.saved_model.load(str(exported.path))
    np.testing.assert_allclose(loaded.signatures["serving_default"](**tensors)["colour"], expected, atol=1e-5)
    explained = loaded.signatures["explain"](**tensors, colour_target=tf.zeros(len(examples), tf.int32))
    np.testing.assert_allclose(explained["probability"], expected[:, 0], atol=1e-5)
    assert (exported.path / "assets.extra" / "MODEL_CARD.md").read_text() == "# Card\n"
    assert "assets.extra/MODEL_CARD.md" in exported.metadata.files
