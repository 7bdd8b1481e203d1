"""A network again, from the bundle it was exported to: for looking inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras

from model import weights
from model.build import build
from model.bundle import Bundle, vocabulary_file
from model.encoder import Encoder
from model.spec import ModelSpec
from model.text import needs_vocabulary


@dataclass(frozen=True)
class Rebuilt:
    """What a bundle was exported from.

    Args:
        spec: with labels.
        encoder: its tokenizers.
        network: with the trained weights; it gives logits before calibration.
        temperatures: for each head, what its logits are divided by; 1 for one that is not there.
    """

    spec: ModelSpec
    encoder: Encoder
    network: keras.Model
    temperatures: Mapping[str, float]


def rebuild(bundle: Bundle) -> Rebuilt:
    """Builds the network of a bundle and gives it its weights.

    Raises:
        BundleError: if the weights can't be read or do not fit the spec.
    """
    spec = bundle.spec
    files = {
        name: vocabulary_file(bundle.path, name)
        for name, branch in spec.token_branches.items()
        if needs_vocabulary(branch)
    }
    network = build(spec, vocabulary_sizes(files))
    weights.assign(network, weights.read(bundle.path))
    return Rebuilt(spec, Encoder(spec, files), network, bundle.metadata.temperatures)


def vocabulary_sizes(files: Mapping[str, Path]) -> dict[str, int]:
    """How many tokens each vocabulary has.

    Args:
        files: for each branch with a learned vocabulary, one token a line.
    """
    # Lines end with a newline and with nothing else: splitlines() would also split at characters within a token.
    return {name: file.read_text(encoding="utf-8").count("\n") for name, file in files.items()}
