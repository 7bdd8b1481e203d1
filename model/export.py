"""A trained network -> a bundle: saved, reloaded in a fresh process, and kept only if that agrees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model import reload, weights
from model.build import MERGED, build
from model.bundle import Metadata, write_extra
from model.encoder import Encoder
from model.errors import BundleError
from model.examples import Example, Tensors, decode, stack
from model.golden import TOLERANCE, Golden
from model.graph_options import as_written, called_with
from model.heads import probabilities
from model.rebuild import vocabulary_sizes
from model.serving import Function, Signatures, halves, signatures
from model.signature import EXPLAIN, FEATURES, SERVING, target_of

Answers = Mapping[str, Mapping[str, NDArray[np.generic]]]


class Exported(tf.Module):
    """What the SavedModel holds: the tokenizers' tables, and the weights by part, as `model.weights` reads them.

    Args:
        encoder: the tokenizers.
        network: whose weights are saved.
        functions: `encode` and `classify`, see `model.serving.halves`. No signatures: they take and give dicts.
    """

    def __init__(self, encoder: Encoder, network: keras.Model, functions: tuple[Function, Function]) -> None:
        super().__init__()
        self.encoder = encoder
        self.encode, self.classify = functions
        # The bare variables: tracking the Keras model itself would export every layer's own functions too.
        self.weights = {
            part: [variable.value for variable in variables] for part, variables in weights.parts(network).items()
        }


def export(
    encoder: Encoder,
    network: keras.Model,
    *,
    directory: Path,
    metadata: Metadata,
    golden_examples: Sequence[Example],
    vocabularies: Mapping[str, Path],
    model_card: str | None = None,
    examples: Sequence[Mapping[str, str]] = (),
) -> None:
    """Writes a bundle to `directory`, whole or not at all.

    Args:
        encoder: the tokenizers.
        network: the trained weights; auxiliary heads are left behind.
        directory: must not exist yet; its parent must.
        metadata: all but the digests; its spec is what is exported, see `ModelSpec.portable`, and its temperatures are
            put into the graph.
        golden_examples: inputs kept in the bundle together with the probabilities the network gives for them here.
        vocabularies: for each branch that learned one, its file.
        model_card: Markdown to take along; None for none.
        examples: to be shown to everybody, as a request has them.

    Raises:
        BundleError: if the bundle, loaded in a fresh process, does not answer what the network answers here.
    """
    spec = metadata.spec
    exported = build(spec, vocabulary_sizes(vocabularies))
    weights.assign(exported, weights.values(network))
    functions = signatures(spec, encoder, exported, metadata.temperatures)
    tensors = stack(spec, [decode(spec, example) for example in golden_examples])
    answers = _answers(metadata, encoder, network, functions, tensors)
    golden = Golden(golden_examples, {head: answers[SERVING][head].astype(np.float32) for head in spec.heads})

    beside = Path(tempfile.mkdtemp(prefix=".export-", dir=directory.parent))
    try:
        parts = halves(spec, encoder, exported, metadata.temperatures)
        tf.saved_model.save(Exported(encoder, exported, parts), str(beside), signatures=functions)
        write_extra(beside, metadata, golden, vocabularies, model_card, examples)
        _check(answers, _reloaded(beside, {name: _arguments(name, tensors, answers) for name in functions}))
        beside.chmod(0o755)  # mkdtemp makes it private
        os.rename(beside, directory)  # noqa: PTH104  (must not replace what is there)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _answers(
    metadata: Metadata, encoder: Encoder, network: keras.Model, functions: Signatures, tensors: Tensors
) -> Answers:
    """What each signature has to answer: by the network that was trained, explanations by its copy without copies."""
    outputs = network(encoder({name: tf.constant(value) for name, value in tensors.items()}), training=False)
    answers: dict[str, dict[str, NDArray[np.generic]]] = {
        SERVING: {
            name: probabilities(head, outputs[name], metadata.temperatures.get(name, 1.0)).numpy()
            for name, head in metadata.spec.heads.items()
        },
        FEATURES: {FEATURES: outputs[MERGED].numpy()},
    }
    arguments = {name: tf.constant(value) for name, value in _arguments(EXPLAIN, tensors, answers).items()}
    with called_with(as_written()):
        answers[EXPLAIN] = {name: tensor.numpy() for name, tensor in functions[EXPLAIN](**arguments).items()}
    return answers


def _arguments(signature: str, tensors: Tensors, answers: Answers) -> Tensors:
    if signature != EXPLAIN:
        return dict(tensors)
    chosen = {target_of(head): values.argmax(axis=1).astype(np.int32) for head, values in answers[SERVING].items()}
    return {**tensors, **chosen}


def _check(here: Answers, reloaded: Mapping[str, NDArray[np.generic]]) -> None:
    """Compares what the network answered here with what its exported form answers elsewhere.

    Raises:
        BundleError: naming the first output that differs.
    """
    for signature, outputs in here.items():
        for name, expected in outputs.items():
            given = reloaded[f"{signature}/{name}"]
            if expected.dtype == object:
                agrees = bool((given == expected).all())
            else:
                scale = max(float(np.abs(expected).max(initial=0)), 1.0)
                agrees = bool(np.allclose(given, expected, rtol=0, atol=TOLERANCE * scale))
            if not agrees:
                raise BundleError(
                    f"The exported model, loaded in a fresh process, answers differently: output {name!r} of the "
                    f"signature {signature!r}. Nothing was exported."
                )


def _reloaded(saved_model: Path, tensors: Mapping[str, Tensors]) -> Mapping[str, NDArray[np.generic]]:
    """What the SavedModel answers in a process that knows TensorFlow and nothing of this project.

    Args:
        saved_model: its directory.
        tensors: for each signature its arguments.

    Returns:
        `<signature>/<output>`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        inputs, outputs = Path(scratch, "inputs.npz"), Path(scratch, "outputs.npz")
        arguments = {f"{signature}/{name}": array for signature, own in tensors.items() for name, array in own.items()}
        np.savez(inputs, allow_pickle=True, **arguments)  # strings are objects, of any length
        command = [sys.executable, "-I", reload.__file__, str(saved_model), str(inputs), str(outputs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own script)
        if done.returncode != 0:
            raise BundleError(f"The exported model does not load in a fresh process:\n{done.stderr[-2000:]}")
        with np.load(outputs, allow_pickle=True) as answers:  # written by our own script just now
            return dict(answers)
