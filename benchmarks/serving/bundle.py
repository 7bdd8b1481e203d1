"""The model that every server serves: the default one for a picture and words, with weights as they were drawn.

What the weights are does not change what a request costs, so nothing is trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import keras
import numpy as np

from benchmarks.serving.folder import ROOT, made
from benchmarks.serving.pictures import NAMES, requests_of, words
from model.build import build
from model.bundle import Metadata
from model.encoder import Encoder
from model.export import export
from model.rebuild import vocabulary_sizes
from model.spec import ModelSpec
from model.text import learn_vocabulary, needs_vocabulary
from training.default_model import default_spec

NAME = "benchmark"
LABELS = tuple(f"label {number}" for number in range(10))
_TEXTS = 5_000  # that the vocabulary is learned from


def spec_of(side_px: int) -> ModelSpec:
    """What `bifocal-training` makes of a table with an image and a text column."""
    inputs = {"image": {"kind": "image", "height": side_px, "width": side_px}, "text": {"kind": "text"}}
    return ModelSpec.parse(default_spec(inputs, {"label": {"kind": "single_label", "labels": LABELS}}), what="spec")


def models_folder(side_px: int) -> Path:
    """A models folder with one version of the model, as a server is pointed at it; made if it is not there.

    Args:
        side_px: of the pictures that the network takes.
    """
    models = made("models", f"{side_px}px-{_code()}")
    if not version_of(models).is_dir():
        _export(spec_of(side_px), version_of(models))
    return models


def _code() -> str:
    """Short for the code that exports: what an earlier one has exported may lack what the service is now offered."""
    digest = hashlib.sha256()
    for file in sorted((ROOT / "model").rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def version_of(models: Path) -> Path:
    """The SavedModel inside."""
    return models / NAME / "1"


def _export(spec: ModelSpec, directory: Path) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(0)
    vocabularies = {}
    for name, branch in spec.token_branches.items():
        if needs_vocabulary(branch):
            vocabulary = learn_vocabulary(branch, spec.inputs["text"], _texts())
            vocabularies[name] = directory.parent / f"{name}.txt"
            vocabularies[name].write_text("".join(f"{token}\n" for token in vocabulary), encoding="utf-8")
    network = build(spec, vocabulary_sizes(vocabularies))
    _stir(network)
    metadata = Metadata(
        name=NAME,
        spec=spec.portable(),
        metrics={},
        training_data={},
        libraries={},
        created=datetime.now(UTC),
    )
    # As many as a bundle has that was trained; they are among what is asked.
    golden = [{"image": one.image, "text": one.text} for name in NAMES[:2] for one in requests_of(name)[:4]]
    export(
        Encoder(spec, vocabularies),
        network,
        directory=directory,
        metadata=metadata,
        golden_examples=golden,
        vocabularies=vocabularies,
    )


def _texts() -> Iterator[list[str]]:
    random = np.random.default_rng(1)
    for _ in range(_TEXTS // 100):
        yield [words(random) for _ in range(100)]


def _stir(network: keras.Model) -> None:
    """Makes what is drawn as zero random too: a network whose answers hardly differ would hide answers mixed up."""
    random = np.random.default_rng(2)
    for variable in network.trainable_variables:
        values = variable.numpy()
        if not values.any():
            variable.assign(random.normal(0, 0.5, values.shape).astype(values.dtype))
