"""A trained network -> a bundle: saved, reloaded in a fresh process, and kept only if that agrees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model import heads, reload
from model.bundle import Metadata, write_extra
from model.encoder import Encoder
from model.errors import BundleError
from model.examples import Example, Tensors, decode, stack
from model.golden import Golden
from model.spec import ModelSpec

Serve = Callable[..., dict[str, tf.Tensor]]


class _Exported(tf.Module):
    """What the SavedModel holds: the tokenizers' tables, the weights, and the signatures' functions."""

    def __init__(self, encoder: Encoder, network: keras.Model) -> None:
        super().__init__()
        self.encoder = encoder
        # The bare variables: tracking the Keras model itself would export every layer's own functions too.
        self.weights = [variable.value for variable in network.variables]


def serving_function(spec: ModelSpec, encoder: Encoder, network: keras.Model) -> Serve:
    """The function behind `serving_default`: tensors by name -> probabilities of each head."""

    def serve(**tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        logits = network(encoder(tensors), training=False)
        return {head: heads.probabilities(logits[head]) for head in spec.heads}

    return tf.function(serve, autograph=False).get_concrete_function(**encoder.input_signature)


def export(
    spec: ModelSpec,
    encoder: Encoder,
    network: keras.Model,
    *,
    directory: Path,
    metadata: Metadata,
    golden_examples: Sequence[Example],
) -> None:
    """Writes a bundle to `directory`, whole or not at all.

    Args:
        spec: with labels.
        encoder: the tokenizers.
        network: the trained weights.
        directory: must not exist yet; its parent must.
        metadata: all but the digests.
        golden_examples: inputs kept in the bundle together with the probabilities the network gives for them here.

    Raises:
        BundleError: if the bundle, loaded in a fresh process, does not answer what the network answers here.
    """
    serve = serving_function(spec, encoder, network)
    tensors = stack(spec, [decode(spec, example) for example in golden_examples])
    answers = serve(**{name: tf.constant(array) for name, array in tensors.items()})
    golden = Golden(golden_examples, {head: tensor.numpy() for head, tensor in answers.items()})

    beside = Path(tempfile.mkdtemp(prefix=".export-", dir=directory.parent))
    try:
        tf.saved_model.save(_Exported(encoder, network), str(beside), signatures={"serving_default": serve})
        write_extra(beside, metadata, golden)
        golden.check(_reloaded(beside, tensors))
        beside.chmod(0o755)  # mkdtemp makes it private
        os.rename(beside, directory)  # noqa: PTH104  (must not replace what is there)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _reloaded(saved_model: Path, tensors: Tensors) -> Mapping[str, NDArray[np.float32]]:
    """What the SavedModel answers in a process that knows TensorFlow and nothing of this project."""
    with tempfile.TemporaryDirectory() as scratch:
        inputs, outputs = Path(scratch, "inputs.npz"), Path(scratch, "outputs.npz")
        np.savez(inputs, allow_pickle=True, **tensors)  # strings are objects, of any length
        command = [sys.executable, "-I", reload.__file__, str(saved_model), str(inputs), str(outputs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own script)
        if done.returncode != 0:
            raise BundleError(f"The exported model does not load in a fresh process:\n{done.stderr[-2000:]}")
        with np.load(outputs, allow_pickle=False) as answers:
            return dict(answers)
