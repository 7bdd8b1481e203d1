"""Which golden examples say what integers have to cover."""

from __future__ import annotations

import numpy as np
import pytest

from model.examples import Tensors
from model.signature import presence_of
from model.spec import ModelSpec
from service.backends import UnusableError
from service.runtime.calibration import LEAST, calibrating

PICTURE = {"kind": "image", "height": 8, "width": 8}


def spec(*pictures: str) -> ModelSpec:
    inputs = {**dict.fromkeys(pictures, PICTURE), "text": {"kind": "text"}}
    branches = {**{name: {"kind": "conv", "filters": [2]} for name in pictures}, "text": {"kind": "embedding"}}
    heads = {"head": {"kind": "single_label", "labels": ["a", "b"]}}
    return ModelSpec.parse({"inputs": inputs, "branches": branches, "heads": heads}, what="spec")


def golden(**present: list[int]) -> Tensors:
    """Examples whose pictures are all of the row's number, where they are not absent."""
    count = len(next(iter(present.values())))
    tensors: dict = {"text": np.array([f"text {row}" for row in range(count)], object)}
    for name, given in present.items():
        tensors[presence_of(name)] = np.array(given, bool)
        pictures = [np.full((8, 8, 3), row if is_there else 0, np.uint8) for row, is_there in enumerate(given)]
        tensors[name] = np.stack(pictures)
    return tensors


def test_every_other_example_with_all_pictures_is_taken() -> None:
    front, back = [1, 1, 1, 0, 1, 1, 1, 1], [1, 1, 0, 1, 1, 1, 1, 1]
    found = calibrating(spec("front", "back"), golden(front=front, back=back))

    assert found["text"].tolist() == ["text 0", "text 4", "text 6"]
    assert found["front"][:, 0, 0, 0].tolist() == [0, 4, 6]


def test_the_same_picture_again_does_not_count() -> None:
    same = golden(image=[1] * (LEAST + 1))
    same["image"][:] = same["image"][0]

    with pytest.raises(UnusableError, match=f"1 different golden examples have all .* Expected {LEAST} or more"):
        calibrating(spec("image"), same)


def test_a_model_without_a_picture_has_nothing_to_be_rounded() -> None:
    with pytest.raises(UnusableError, match="no picture"):
        calibrating(spec(), golden(text=[1, 1]))
