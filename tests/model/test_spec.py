"""ModelSpec as data."""

from __future__ import annotations

import pydantic
import pytest

from model.signature import network_inputs, serving_inputs, serving_outputs
from model.spec import ModelSpec

# Every argument set to something other than its default.
FULL = {
    "inputs": {
        "photo": {"kind": "image", "height": 32, "width": 48, "fit": "stretch"},
        "title": {"kind": "text"},
        "tags": {"kind": "tags", "delimiter": ";"},
    },
    "branches": {
        "photo": {
            "kind": "conv",
            "input": "photo",
            "filters": [3, 5],
            "kernel_size": 5,
            "pool": 3,
            "normalization": "none",
            "units": 7,
            "dropout": 0.4,
        },
        "words": {
            "kind": "embedding",
            "input": "title",
            "vocabulary_size": 100,
            "min_count": 2,
            "max_tokens": 9,
            "dimension": 4,
            "pooling": "max",
            "units": 6,
            "dropout": 0.3,
            "token_dropout": 0.05,
        },
        "tags": {"kind": "embedding"},
    },
    "merge": {"kind": "concatenate"},
    "trunk": {"units": [8, 4], "dropout": 0.1},
    "heads": {"topic": {"kind": "single_label", "labels": ["news", "sport"]}, "tone": {"kind": "single_label"}},
}


def test_a_spec_survives_json() -> None:
    spec = ModelSpec.parse(FULL, what="spec")

    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec
    assert spec.branches["photo"].model_dump(mode="json") == FULL["branches"]["photo"]
    assert spec.branches["words"].model_dump(mode="json") == FULL["branches"]["words"]


def test_a_spec_is_frozen() -> None:
    spec = ModelSpec.parse(FULL, what="spec")

    with pytest.raises(pydantic.ValidationError, match="frozen"):
        spec.trunk.units = (3,)  # type: ignore[misc]


def test_a_branch_reads_the_input_of_its_name_unless_told_another() -> None:
    spec = ModelSpec.parse(FULL, what="spec")

    assert [spec.input_of(name) for name in spec.branches] == ["photo", "title", "tags"]


def test_a_spec_of_some_inputs_keeps_their_branches_alone() -> None:
    part = ModelSpec.parse(FULL, what="spec").only(["title"])

    assert list(part.inputs) == ["title"]
    assert list(part.branches) == ["words"]


def test_labels_can_be_filled_in_later() -> None:
    spec = ModelSpec.parse(FULL, what="spec").with_labels({"tone": ("dry", "warm")})

    assert spec.heads["tone"].labels == ("dry", "warm")
    assert spec.heads["topic"].labels == ("news", "sport")


def test_the_signature_follows_from_the_spec() -> None:
    spec = ModelSpec.parse(FULL, what="spec")
    taken = {name: (info.dtype, info.shape) for name, info in serving_inputs(spec).items()}

    assert taken == {
        "photo": ("uint8", (None, 32, 48, 3)),
        "photo_present": ("bool", (None,)),
        "title": ("string", (None,)),
        "title_present": ("bool", (None,)),
        "tags": ("string", (None,)),
        "tags_present": ("bool", (None,)),
    }
    assert serving_outputs(spec)["topic"].shape == (None, 2)


def test_the_network_takes_tokens_where_the_signature_takes_strings() -> None:
    inputs = network_inputs(ModelSpec.parse(FULL, what="spec"))

    assert set(inputs) == {"photo", "photo_present", "title_present", "tags_present", "words.tokens", "tags.tokens"}
    assert inputs["words.tokens"].dtype == "int32"
