"""Who is compared with whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model.errors import SpecError
from model.spec import ModelSpec
from tests import tiny
from training.comparison.candidates import MERGES, Asked
from training.comparison.lineup import lineup
from training.default_model import default_spec


def spec_of(**changes: Any) -> ModelSpec:
    """The tiny one, of a picture and a text."""
    data = tiny.recipe(Path("manifest.csv")).spec.only(["image", "text"]).model_dump()
    return ModelSpec.parse({**data, **changes}, what="spec")


def test_the_baseline_each_modality_their_ensembles_and_every_merge_are_compared() -> None:
    found = lineup(spec_of(), Asked())

    assert [one.name for one in found.candidates] == [
        "words, linear",
        "picture",
        "words",
        "average of both",
        "product of both",
        *MERGES,
    ]
    assert len(MERGES) == 12
    assert [list(one.spec.inputs) for one in found.networks[:2]] == [["image"], ["text"]]


def test_a_merge_that_does_not_fit_is_left_out_and_explained() -> None:
    found = lineup(tiny.recipe(Path("manifest.csv")).spec, Asked())  # tags as well: three vectors

    assert set(found.left_out) == {"subtract", "dot"}
    assert "takes exactly 2 vectors. Received 3" in found.left_out["dot"]


def test_of_two_branches_over_a_text_it_is_told_how_to_compare_merges_of_two_vectors() -> None:
    inputs = {"photo": {"kind": "image"}, "title": {"kind": "text"}}
    spec = ModelSpec.parse(default_spec(inputs, {"label": {"kind": "single_label"}}), what="spec")

    found = lineup(spec, Asked())

    for kind in ("subtract", "dot"):
        assert "exactly 2 vectors. Received 3: photo, title, title_spelling." in found.left_out[kind]
        assert found.left_out[kind].endswith("one branch for the picture and one for the words.")


def test_the_merge_of_the_recipe_keeps_its_settings() -> None:
    found = lineup(spec_of(merge={"kind": "gated", "units": 5}), Asked(merges=("gated", "add")))

    assert {one.name: one.spec.merge.units for one in found.networks if one.role == "merged"} == {
        "gated": 5,
        "add": None,
    }


def test_branches_are_compared_merged_and_alone() -> None:
    kinds = ("conv", "inception")
    spec = spec_of(inputs={"image": {"kind": "image", "height": 16, "width": 16}, "text": {"kind": "text"}})

    found = lineup(spec, Asked(image_branches=kinds))

    assert [one.name for one in found.networks] == [
        "picture, conv",
        "picture, inception",
        "words",
        "conv",
        "inception",
    ]
    networks = {one.name: one.spec.branches["image"] for one in found.networks if one.name != "words"}
    assert networks["conv"] == spec.branches["image"]
    assert networks["inception"].units == spec.branches["image"].units


def test_branches_of_both_kinds_are_compared_in_pairs() -> None:
    found = lineup(spec_of(), Asked(image_branches=("conv",), text_branches=("embedding", "convolution")))

    assert [one.name for one in found.networks] == [
        "picture, conv",
        "words, embedding",
        "words, convolution",
        "conv + embedding",
        "conv + convolution",
    ]


def test_a_branch_that_does_not_fit_the_picture_is_left_out_and_explained() -> None:
    found = lineup(spec_of(), Asked(image_branches=("conv", "residual", "pretrained")))

    assert [one.name for one in found.networks] == ["picture, conv", "words", "conv"]
    assert "shrink a picture 16 times" in found.left_out["residual"]
    assert "network: missing" in found.left_out["pretrained"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"merges": ("gatted",)}, "--merges: no kind 'gatted'; did you mean 'gated'"),
        ({"merges": ("add", "add")}, "--merges: a kind is named twice"),
        ({"merges": ()}, "--merges: name at least one"),
        ({"image_branches": ("embedding",)}, "--image-branches: no kind 'embedding'. Valid: conv, inception"),
        ({"merges": ("add",), "text_branches": ("embedding",)}, "Leave one out"),
    ],
)
def test_what_is_asked_for_is_checked(asked: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Asked(**asked)


def test_one_modality_leaves_nothing_to_merge() -> None:
    with pytest.raises(SpecError, match="nothing to merge: the inputs are image, so there is no words"):
        lineup(spec_of().only(["image"]), Asked())


def test_heads_that_read_their_own_branches_leave_nothing_to_merge() -> None:
    heads = {name: {"kind": "single_label", "of": name} for name in ("image", "text")}
    spec = spec_of(merge=None, heads={f"{name}_head": head for name, head in heads.items()})

    with pytest.raises(SpecError, match="every head reads a branch of its own"):
        lineup(spec, Asked())


def test_what_can_not_be_built_at_all_is_refused() -> None:
    with pytest.raises(SpecError, match=r"None of what is to be compared can be built:\ndot: .* exactly 2 vectors"):
        lineup(tiny.recipe(Path("manifest.csv")).spec, Asked(merges=("dot",)))


def test_without_a_text_there_are_no_text_branches_to_compare() -> None:
    spec = tiny.recipe(Path("manifest.csv")).spec.only(["image", "tags"])

    with pytest.raises(SpecError, match="no branch over a text, only over tags"):
        lineup(spec, Asked(text_branches=("embedding",)))
