"""What was exported, from the point of view of a program that knows TensorFlow alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.bundle import Bundle
from model.encoder import Encoder
from model.errors import BundleError
from model.export import export
from model.signature import serving_inputs, serving_outputs
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


def test_an_export_that_disagrees_is_not_kept(tiny_fitted: Fitted, tmp_path: Path) -> None:
    bundle = Bundle(tiny_fitted.published)
    vocabularies = {name: tiny_fitted.run.vocabulary(name) for name in ("text", "tags")}

    class Moody:
        """A network that answers differently every time."""

        variables: tuple[keras.Variable, ...] = ()

        def __call__(self, tensors: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
            clock = tf.cast(tf.math.floormod(tf.timestamp(), 9.0), tf.float32)
            return {"colour": tf.range(3.0) * clock + tf.zeros([tf.shape(tensors["image"])[0], 3])}

    with pytest.raises(BundleError, match="disagrees with its own golden examples"):
        export(
            bundle.spec,
            Encoder(bundle.spec, vocabularies),
            Moody(),  # type: ignore[arg-type]
            directory=tmp_path / "bundle",
            metadata=bundle.metadata,
            golden_examples=bundle.golden().examples,
        )
    assert list(tmp_path.iterdir()) == []
