"""What a network starts from: published weights, word vectors, and parts of earlier models."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import keras

from model import word_vectors
from model.branches import pretrained
from model.errors import SpecError
from model.spec import ModelSpec, PretrainedBranch, TextBranch
from model.text import FIRST_WORD_ID
from training.reuse import Reuse


def start(
    network: keras.Model,
    spec: ModelSpec,
    vocabularies: Mapping[str, Path],
    reuse: Reuse,
    *,
    freeze: Collection[str] = (),
) -> list[str]:
    """Gives a freshly built network the weights it starts from.

    Args:
        network: of `model.build`.
        spec: of the network.
        vocabularies: for each branch with a learned vocabulary, its file.
        reuse: earlier models and what is taken from them.
        freeze: branches that will not train at first.

    Returns:
        What was done, a line each.

    Raises:
        SpecError: if weights do not fit the network, or what does not train would start from chance.
        StorageError: if weights can't be fetched.
    """
    done = []
    taken = reuse.parts(spec)
    for name in freeze:
        if name in spec.branches and name not in taken:
            raise SpecError(
                f"training.freeze: no model in training.init has branch {name!r}, so it would stay at random weights."
            )
    for name, branch in spec.branches.items():
        if name in taken:
            continue
        if isinstance(branch, PretrainedBranch) and branch.weights == "none" and branch.trainable_blocks == 0:
            raise SpecError(
                f"branches.{name}.trainable_blocks: the network would stay at random weights; name its 'weights'."
            )
        if isinstance(branch, PretrainedBranch) and branch.weights != "none":
            pretrained.load_weights(network.get_layer(f"{name}.branch"), branch)
            done.append(f"{name}: weights of {branch.network} from {branch.weights}")
        if isinstance(branch, TextBranch) and branch.vectors is not None:
            done.append(_word_vectors(network, name, branch.vectors, vocabularies[name], branch.dimension))
    return done + reuse.apply(network, spec)


def _word_vectors(network: keras.Model, name: str, file: Path, vocabulary: Path, dimension: int) -> str:
    words = vocabulary.read_text(encoding="utf-8").split("\n")[:-1]
    vectors, known = word_vectors.read(file, words, dimension)
    table = network.get_layer(f"{name}.lookup").get_layer("embedding").embeddings
    values = table.numpy()
    values[FIRST_WORD_ID:][known] = vectors[known]
    table.assign(values)
    return f"{name}: vectors of {known.sum()} of {len(words)} words from {file.name}"
