"""Starting from earlier models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model import weights
from model.bundle import Bundle
from model.errors import BundleError, SpecError
from model.spec import ModelSpec
from tests.model.made_up import Made, make
from training.fit import Fitted
from training.reuse import Reuse, Source, _take_copies, _take_head
from training.training_settings import TrainingSettings


@pytest.fixture
def source(tiny_fitted: Fitted) -> Path:
    return tiny_fitted.run.path


def changed(spec: ModelSpec, path: str, value: object) -> ModelSpec:
    """A spec with one value set; a path is dotted."""
    data: Any = spec.model_dump()
    place = data
    *parents, last = path.split(".")
    for key in parents:
        place = place[key]
    place[last] = value
    return ModelSpec.parse(data, what="spec")


def reuse_of(init: object) -> Reuse:
    return Reuse(TrainingSettings.parse({"init": init}, what="training").init)


@pytest.fixture
def spec(source: Path) -> ModelSpec:
    return Bundle(source / "bundle").spec


def made_from(spec: ModelSpec, reuse: Reuse, tmp_path: Path) -> tuple[Made, list[str]]:
    """A model of the spec with the source's vocabularies, random weights, and what is reused."""
    made = make(spec, tmp_path, seed=9, vocabularies=reuse.vocabularies(spec))
    return made, reuse.apply(made.network, spec)


def test_a_branch_is_taken_with_its_vocabulary_and_its_absent_vector(
    source: Path, spec: ModelSpec, tmp_path: Path
) -> None:
    made, told = made_from(spec, reuse_of({"text": str(source)}), tmp_path)

    theirs, own = weights.read(source / "bundle"), weights.values(made.network)
    for part in ("text", "text.presence"):
        for one, other in zip(own[part], theirs[part], strict=True):
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(own["image"][0], theirs["image"][0])
    assert made.vocabularies["text"].read_bytes() == (source / "vocabularies" / "text.txt").read_bytes()
    assert told == [f"text: taken from 'text' of {source.name}"]


def test_everything_that_a_model_has_is_taken_at_once(source: Path, spec: ModelSpec, tmp_path: Path) -> None:
    made, _ = made_from(spec, reuse_of(str(source)), tmp_path)

    theirs, own = weights.read(source / "bundle"), weights.values(made.network)
    assert set(own) == set(theirs)
    for part, values in own.items():
        for one, other in zip(values, theirs[part], strict=True):
            np.testing.assert_array_equal(one, other)


def test_labels_that_stay_keep_their_weights_and_new_ones_begin_anew(
    source: Path, spec: ModelSpec, tmp_path: Path
) -> None:
    fewer_and_more = spec.with_labels({"colour": ("amber", "red", "blue")})
    made, told = made_from(fewer_and_more, reuse_of({"colour": str(source)}), tmp_path)

    kernel, bias = weights.values(made.network)["colour"]
    their_kernel, their_bias = weights.read(source / "bundle")["colour"]
    theirs = {label: index for index, label in enumerate(spec.heads["colour"].labels)}
    for index, label in ((1, "red"), (2, "blue")):
        np.testing.assert_array_equal(kernel[:, index], their_kernel[:, theirs[label]])
        assert bias[index] == their_bias[theirs[label]]
    assert not any(np.array_equal(kernel[:, 0], column) for column in their_kernel.T)
    assert told == [f"colour: 2 of 3 labels taken from 'colour' of {source.name}"]


def test_the_only_branch_of_its_kind_is_taken_under_another_name(source: Path, spec: ModelSpec, tmp_path: Path) -> None:
    data = spec.model_dump()
    data["branches"]["photo"] = {**data["branches"].pop("image"), "input": "image"}
    made, told = made_from(ModelSpec.parse(data, what="spec"), reuse_of({"photo": str(source / "bundle")}), tmp_path)

    np.testing.assert_array_equal(weights.values(made.network)["photo"][0], weights.read(source / "bundle")["image"][0])
    assert told == ["photo: taken from 'image' of bundle"]


def test_a_branch_of_several_is_named(source: Path, spec: ModelSpec, tmp_path: Path) -> None:
    init = {"text": {"path": str(source), "part": "text"}}

    assert made_from(spec, reuse_of(init), tmp_path)[1] == [f"text: taken from 'text' of {source.name}"]


@pytest.mark.parametrize(
    ("path", "value", "part", "message"),
    [
        ("branches.image.filters", (4, 7), "image", "training.init.image: 'image' of NAME does not fit: filters is (4, 6) there and (4, 7) here. Make the spec of the branch the same."),
        ("branches.text.dimension", 7, "text", "training.init.text: 'text' of NAME does not fit: dimension is 6 there and 7 here."),
        ("branches.image.kind", "inception", "image", "kind is 'conv' there and 'inception' here"),
        ("trunk.units", (9,), "trunk", "training.init.trunk: 'trunk' of NAME does not fit: trunk: {'units': (8,), 'activation': 'relu'} there, {'units': (9,), 'activation': 'relu'} here."),
        ("heads.colour.units", (5,), "colour", "training.init.colour: 'colour' of NAME does not fit: kind, 'of', 'units' and whether it has a last layer of its own must be the same."),
    ],
)  # fmt: skip
def test_what_does_not_fit_says_what_differs(
    source: Path, spec: ModelSpec, tmp_path: Path, path: str, value: object, part: str, message: str
) -> None:
    data: Any = spec.model_dump()
    if value == "inception":
        data["branches"]["image"] = {"kind": "inception", "filters": (4, 6)}
        other = ModelSpec.parse(data, what="spec")
    else:
        other = changed(spec, path, value)

    with pytest.raises(SpecError, match=re.escape(message.replace("NAME", source.name))):
        made_from(other, reuse_of({part: str(source)}), tmp_path)


def test_a_part_that_the_source_has_not_is_told_with_those_it_has(
    source: Path, spec: ModelSpec, tmp_path: Path
) -> None:
    data: Any = spec.model_dump()
    data["inputs"]["note"] = {"kind": "text"}
    data["branches"]["note"] = {"kind": "recurrent", "hidden": 3}

    with pytest.raises(
        SpecError, match=rf"^training\.init\.note: {source.name} has none of that name.* Valid: image, tags, text"
    ):
        made_from(ModelSpec.parse(data, what="spec"), reuse_of({"note": str(source)}), tmp_path)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is not a bundle"):
        reuse_of({"image": str(tmp_path)})


def test_a_model_without_its_version_is_told_the_newest(tiny_fitted: Fitted) -> None:
    with pytest.raises(BundleError, match=r"holds a model; name one of its versions: .*tiny/1\."):
        reuse_of(str(tiny_fitted.published.parent))


def test_a_part_that_is_not_there_is_told(source: Path, spec: ModelSpec) -> None:
    with pytest.raises(SpecError, match=r"^training\.init\.image\.part: .* has no 'imag'; did you mean 'image'\?"):
        reuse_of({"image": {"path": str(source), "part": "imag"}}).check(spec)
    with pytest.raises(SpecError, match=r"^training\.init\.trunk\.part: .* has no 'merge'.* Valid: trunk"):
        reuse_of({"trunk": {"path": str(source), "part": "merge"}}).check(spec)


def test_a_trunk_behind_branches_in_another_order_does_not_fit(source: Path, spec: ModelSpec) -> None:
    data = spec.model_dump()
    data["branches"] = dict(reversed(data["branches"].items()))

    with pytest.raises(
        SpecError,
        match=r"^training\.init\.trunk: 'trunk' of .* does not fit: branches and their units: \[\('image', 8\)",
    ):
        reuse_of({"trunk": str(source)}).check(ModelSpec.parse(data, what="spec"))


def test_hidden_layers_of_a_head_that_borrows_its_last_layer_are_taken_whole(tmp_path: Path) -> None:
    spec = ModelSpec.parse(
        {
            "inputs": {"text": {"kind": "text"}},
            "branches": {"text": {"kind": "embedding", "tokenizer": "word_ngrams", "dimension": 3, "units": 4}},
            "heads": {
                "one": {"kind": "single_label", "labels": ["x", "y", "z"], "units": [6]},
                "two": {"kind": "single_label", "labels": ["x", "y", "z"], "units": [6], "last_layer_of": "one"},
            },
        },
        what="spec",
    )
    theirs, made = make(spec, tmp_path, seed=1), make(spec, tmp_path, seed=2)
    source = Source.__new__(Source)
    source.path, source.spec = tmp_path, spec
    source.values = weights.values(theirs.network)
    _take_head(weights.parts(made.network)["two"], spec, "two", source, "two")

    for own, other in zip(weights.values(made.network)["two"], source.values["two"], strict=True):
        np.testing.assert_array_equal(own, other)


def test_copies_that_are_added_to_a_head_come_along_with_it(tmp_path: Path) -> None:
    spec = ModelSpec.parse(
        {
            "inputs": {"text": {"kind": "text"}},
            "branches": {
                name: {"kind": "embedding", "input": "text", "tokenizer": "word_ngrams", "dimension": 3, "units": units}
                for name, units in (("wide", 5), ("narrow", 4))
            },
            "heads": {
                "one": {
                    "kind": "single_label",
                    "labels": ["x", "y", "z"],
                    "units": [6],
                    "auxiliary_weight": 1.0,
                    "add_auxiliary": True,
                }
            },
        },
        what="spec",
    )
    theirs = make(spec, tmp_path, seed=1)
    wider = changed(spec.with_labels({"one": ("z", "new")}), "branches.wide.units", 7)
    made, fresh = make(wider, tmp_path, seed=2), make(wider, tmp_path, seed=2)
    source = Source.__new__(Source)
    source.path, source.spec = tmp_path, spec
    source.values = weights.values(theirs.network)
    _take_copies(weights.parts(made.network), wider, "one", source, "one")

    taken, untouched = weights.values(made.network), weights.values(fresh.network)
    np.testing.assert_array_equal(taken["one.narrow"][0], source.values["one.narrow"][0])
    np.testing.assert_array_equal(taken["one.narrow"][2][:, 0], source.values["one.narrow"][2][:, 2])
    np.testing.assert_array_equal(taken["one.narrow"][2][:, 1], untouched["one.narrow"][2][:, 1])
    np.testing.assert_array_equal(taken["one.wide"][2], untouched["one.wide"][2])


def test_a_head_is_not_taken_for_a_branch_of_its_name(source: Path, spec: ModelSpec) -> None:
    data = spec.model_dump()
    data["branches"]["colour"] = {**data["branches"].pop("image"), "input": "image"}
    data["heads"] = {"image": data["heads"]["colour"]}
    other = ModelSpec.parse(data, what="spec")

    assert set(reuse_of(str(source)).of_branches().parts(other)) == {"text", "tags"}
    assert reuse_of({"colour": str(source)}).parts(other)["colour"][1] == "image"
