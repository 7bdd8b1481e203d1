"""Tiny models of any spec, with made-up weights, vocabularies and examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import keras
import numpy as np

from model.build import build
from model.encoder import Encoder
from model.examples import Tensors
from model.rebuild import vocabulary_sizes
from model.signature import presence_of
from model.spec import ImageInput, ModelSpec, TagsInput
from model.text import learn_vocabulary, needs_vocabulary

TEXTS = ["a red mug", "Naïve café, 東京", "handle broke off!", "", "red red glass 7", "a"]
TAGS = ["gift,red", "", "thing", "new, red ,gift", "odd", "gift"]

IMAGES = {
    "conv": {"filters": [3, 4], "units": 5},
    "inception": {"filters": [2, 3], "kernel_sizes": [1, 3], "units": 5},
    "residual": {"filters": [3, 4], "blocks": 1, "units": 5},
    "pretrained": {"network": "MobileNetV3Small", "units": 5},
}
TEXT_BRANCHES = {
    "embedding": {"pooling": "attention"},
    "convolution": {"filters": 3, "kernel_sizes": [2, 3]},
    "recurrent": {"hidden": 3},
    "transformer": {"blocks": 1, "attention_heads": 2, "feed_forward": 6},
}
TOKENIZERS = {
    "words": {"max_tokens": 6},
    "wordpiece": {"vocabulary_size": 40, "max_tokens": 8},
    "characters": {"max_tokens": 12},
    "word_ngrams": {"buckets": 30, "max_tokens": 9},
    "character_ngrams": {"buckets": 30, "max_tokens": 20},
}
MERGES = {
    "concatenate": {},
    "add": {},
    "average": {"units": 6},
    "maximum": {},
    "minimum": {},
    "multiply": {},
    "subtract": {},
    "dot": {"normalize": True},
    "gated": {},
    "film": {},
    "bilinear": {"units": 6, "factors": 2},
    "cross_attention": {"units": 4, "attention_heads": 2},
}
HEADS = {
    "single_label": {"labels": ["x", "y", "z"], "auxiliary_weight": 0.3},
    "multi_label": {
        "labels": ["x", "y"],
        "units": [4],
        "class_weights": "balanced",
        "auxiliary_weight": 0.5,
        "add_auxiliary": True,
    },
}
AXES = {"image": IMAGES, "text": TEXT_BRANCHES, "tokenizer": TOKENIZERS, "merge": MERGES, "head": HEADS}
# The merges of exactly two vectors.
PAIRS = ("subtract", "dot")


@dataclass(frozen=True)
class Made:
    """A model with random weights."""

    spec: ModelSpec
    vocabularies: Mapping[str, Path]
    encoder: Encoder
    network: keras.Model


def spec_of(row: Mapping[str, str]) -> ModelSpec:
    """The spec of one combination of kinds, named as in AXES; with tags as a third input where the merge allows it."""
    side = 32 if row["image"] == "pretrained" else 12
    tokenizer = {"kind": row["tokenizer"], **TOKENIZERS[row["tokenizer"]]}
    inputs: dict[str, object] = {
        "image": {"kind": "image", "height": side, "width": side},
        "text": {"kind": "text"},
    }
    branches: dict[str, object] = {
        # In so small a network, all units of a layer of ReLUs may be dead by chance.
        "image": {"kind": row["image"], "activation": "tanh", **IMAGES[row["image"]]},
        "text": {
            "kind": row["text"],
            "tokenizer": tokenizer,
            "dimension": 4,
            "units": 6,
            "activation": "tanh",
            **TEXT_BRANCHES[row["text"]],
        },
    }
    if row["merge"] not in PAIRS:
        inputs["tags"] = {"kind": "tags"}
        branches["tags"] = {"kind": "tags", "dimension": 3, "units": 4, "activation": "tanh"}
    return ModelSpec.parse(
        {
            "inputs": inputs,
            "branches": branches,
            "merge": {"kind": row["merge"], **MERGES[row["merge"]]},
            "trunk": {"units": [7], "activation": "tanh"},
            "heads": {"answer": {"kind": row["head"], **HEADS[row["head"]]}},
        },
        what="spec",
    )


def covering(axes: Mapping[str, Mapping[str, object]], *, pairs: bool) -> Iterator[dict[str, str]]:
    """Combinations in which every value occurs, or every pair of values of two axes; as few as a greedy one finds."""
    names = list(axes)
    left = {frozenset({(name, value)}) for name in names for value in axes[name]}
    if pairs:
        left = {
            frozenset({(one, first), (other, second)})
            for one in names
            for other in names
            if one < other
            for first, second in product(axes[one], axes[other])
        }
    rows = [dict(zip(names, values, strict=True)) for values in product(*axes.values())]
    contents = [_contents(row, pairs) for row in rows]
    while left:
        best = max(range(len(rows)), key=lambda index: len(contents[index] & left))
        left -= contents[best]
        yield rows[best]


def _contents(row: Mapping[str, str], pairs: bool) -> set[frozenset[tuple[str, str]]]:
    items = sorted(row.items())
    if not pairs:
        return {frozenset({item}) for item in items}
    return {frozenset({one, other}) for index, one in enumerate(items) for other in items[index + 1 :]}


def make(spec: ModelSpec, directory: Path, *, seed: int = 0, vocabularies: Mapping[str, Path] | None = None) -> Made:
    """Builds a spec whose heads have labels; vocabularies that are not given are learned from TEXTS and TAGS."""
    keras.utils.set_random_seed(seed)
    directory.mkdir(parents=True, exist_ok=True)
    files = dict(vocabularies or {})
    for name, branch in spec.token_branches.items():
        if needs_vocabulary(branch) and name not in files:
            given = spec.inputs[spec.input_of(name)]
            tokens = learn_vocabulary(branch, given, [TAGS if isinstance(given, TagsInput) else TEXTS])
            files[name] = directory / f"{name}.txt"
            files[name].write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    network = build(spec, vocabulary_sizes(files))
    random = np.random.default_rng(seed)
    for variable in network.weights:
        # Vectors of absent inputs and many others start at zero, which would hide what reaches them.
        if not np.any(variable.numpy()):
            variable.assign(random.normal(scale=0.1, size=variable.shape))
    return Made(spec, files, Encoder(spec, files), network)


def tensors(spec: ModelSpec, *, seed: int = 0) -> Tensors:
    """Six examples; the picture of the second, the text of the third and the tags of the fourth are absent."""
    random = np.random.default_rng(seed)
    arrays: Tensors = {}
    for number, (name, given) in enumerate(spec.inputs.items(), start=1):
        if isinstance(given, ImageInput):
            arrays[name] = random.integers(0, 256, (6, given.height, given.width, 3), dtype=np.uint8)
        else:
            arrays[name] = np.array(TAGS if isinstance(given, TagsInput) else TEXTS, object)
        arrays[presence_of(name)] = np.arange(6) != number
    return arrays
