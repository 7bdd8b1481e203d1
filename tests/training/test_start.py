"""What a network starts from, other than chance."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from model.branches.network import original
from model.errors import SpecError
from model.spec import ModelSpec
from model.text import FIRST_WORD_ID
from tests.model.made_up import Made, make
from training.fit import Fitted
from training.reuse import Reuse
from training.start import start
from training.training_settings import InitFrom


def spec_of(branches: dict[str, object]) -> ModelSpec:
    return ModelSpec.parse(
        {
            "inputs": {"image": {"kind": "image", "height": 32, "width": 32}, "text": {"kind": "text"}},
            "branches": branches,
            "heads": {"answer": {"kind": "single_label", "labels": ["x", "y"]}},
        },
        what="spec",
    )


CONV = {"kind": "conv", "filters": [3], "units": 4}


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    file = tmp_path / "glove.txt"
    file.write_text("red 1 2 3\nmug 4 5 6\nzebra 7 8 9\n")
    return file


def table_of(made: Made) -> np.ndarray:
    return made.network.get_layer("text.lookup").get_layer("embedding").embeddings.numpy()


def test_known_words_start_from_their_vectors(vectors: Path, tmp_path: Path) -> None:
    text = {"kind": "embedding", "dimension": 3, "units": 4, "vectors": str(vectors)}
    made = make(spec_of({"image": CONV, "text": text}), tmp_path)
    before = table_of(made)
    told = start(made.network, made.spec, made.vocabularies, Reuse(None))

    words = made.vocabularies["text"].read_text().split("\n")[:-1]
    expected = before.copy()
    expected[FIRST_WORD_ID + words.index("red")] = [1, 2, 3]
    expected[FIRST_WORD_ID + words.index("mug")] = [4, 5, 6]
    np.testing.assert_array_equal(table_of(made), expected)
    assert told == [f"text: vectors of 2 of {len(words)} words from glove.txt"]


def test_vectors_of_another_width_are_refused(vectors: Path, tmp_path: Path) -> None:
    text = {"kind": "embedding", "dimension": 5, "units": 4, "vectors": str(vectors)}
    made = make(spec_of({"image": CONV, "text": text}), tmp_path)

    with pytest.raises(SpecError, match=r"glove\.txt"):
        start(made.network, made.spec, made.vocabularies, Reuse(None))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own, when it saves
def test_a_pretrained_network_starts_from_its_file(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    source = original("MobileNetV3Small", (32, 32, 3))
    source.save_weights(tmp_path / "net.weights.h5")
    image = {
        "kind": "pretrained",
        "network": "MobileNetV3Small",
        "units": 4,
        "weights": str(tmp_path / "net.weights.h5"),
    }
    made = make(spec_of({"image": image, "text": {"kind": "embedding", "dimension": 3, "units": 4}}), tmp_path, seed=2)
    told = start(made.network, made.spec, made.vocabularies, Reuse(None))

    own = made.network.get_layer("image.branch").get_layer("network").get_weights()
    for one, other in zip(own, source.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert told == [f"image: weights of MobileNetV3Small from {tmp_path / 'net.weights.h5'}"]


def test_what_is_taken_from_a_model_needs_no_other_start(tiny_fitted: Fitted, tmp_path: Path) -> None:
    text = {
        "kind": "embedding",
        "dimension": 6,
        "units": 8,
        "vectors": str(tmp_path / "gone.txt"),
        "tokenizer": {"kind": "words", "max_tokens": 8},
    }
    spec = spec_of({"image": CONV, "text": text})
    reuse = Reuse({"text": InitFrom(path=tiny_fitted.run.path)})
    made = make(spec, tmp_path, vocabularies=reuse.vocabularies(spec))

    assert start(made.network, spec, made.vocabularies, reuse) == [
        f"text: taken from 'text' of {tiny_fitted.run.path.name}"
    ]
