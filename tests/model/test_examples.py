"""Examples as tensors."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from model.errors import ImageError, ImageTooLargeError
from model.examples import decode, stack
from model.spec import ModelSpec

SPEC = ModelSpec.parse(
    {
        "inputs": {"photo": {"kind": "image", "height": 8, "width": 10}, "title": {"kind": "text"}},
        "branches": {"photo": {"kind": "conv", "filters": [2]}, "title": {"kind": "embedding"}},
        "heads": {"topic": {"kind": "single_label", "labels": ["news", "sport"]}},
    },
    what="spec",
)


def png(colour: tuple[int, int, int] = (255, 0, 0)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (20, 16), colour).save(stream, "PNG")
    return stream.getvalue()


def test_pictures_are_decoded_to_the_size_of_the_spec() -> None:
    decoded = decode(SPEC, {"photo": png(), "title": "a mug"})

    assert decoded["title"] == "a mug"
    np.testing.assert_array_equal(decoded["photo"], np.full((8, 10, 3), (255, 0, 0)))


@pytest.mark.parametrize("blank", ["", "  \n\t", "\u3000", "!? ...", "\u200b"])
def test_a_blank_text_is_absent(blank: str) -> None:
    assert decode(SPEC, {"title": blank}) == {}


def test_an_unusable_picture_is_told_by_its_input() -> None:
    with pytest.raises(ImageError, match=r"^Input 'photo': "):
        decode(SPEC, {"photo": b"not a picture"})
    with pytest.raises(ImageTooLargeError, match=r"^Input 'photo': "):
        decode(SPEC, {"photo": png()}, max_pixels=100)


def test_examples_are_stacked_with_what_is_absent_marked() -> None:
    examples = [decode(SPEC, {"photo": png()}), decode(SPEC, {"title": "a mug"}), {}]
    tensors = stack(SPEC, examples)

    assert tensors["photo"].shape == (3, 8, 10, 3)
    assert tensors["photo"].dtype == np.uint8
    assert not tensors["photo"][1:].any()
    assert tensors["photo_present"].tolist() == [True, False, False]
    assert tensors["title"].tolist() == ["", "a mug", ""]
    assert tensors["title_present"].tolist() == [False, True, False]


def test_tags_that_are_delimiters_alone_are_absent() -> None:
    data = SPEC.model_dump()
    data["inputs"]["title"] = {"kind": "tags", "delimiter": ";"}
    data["branches"]["title"] = {"kind": "tags"}
    spec = ModelSpec.parse(data, what="spec")

    assert decode(spec, {"title": " ; ;"}) == {}
    assert decode(spec, {"title": "a;"}) == {"title": "a;"}
