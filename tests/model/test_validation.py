"""Errors of configuration name the path and the nearest valid name."""

from __future__ import annotations

import pytest

from model.errors import SpecError
from model.spec import ModelSpec

SPEC = {
    "inputs": {"photo": {"kind": "image"}, "title": {"kind": "text"}},
    "branches": {"photo": {"kind": "conv"}, "title": {"kind": "embedding"}},
    "heads": {"topic": {"kind": "single_label", "labels": ["news", "sport"]}},
}


def changed(path: str, value: object) -> dict[str, object]:
    """SPEC with one value set; a path is dotted."""
    copy = ModelSpec.parse(SPEC, what="spec").model_dump()
    place = copy
    *parents, last = path.split(".")
    for key in parents:
        place = place[key]
    place[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "inputs.photo.heigth",
            3,
            r"inputs\.photo: unknown key 'heigth'; did you mean 'height'\? Valid: branch_of, fit, h",
        ),
        ("inputs.photo.height", "tall", r"^spec\.inputs\.photo\.height: .*integer.* Received: 'tall'\.$"),
        ("inputs.photo.height", 4, r"^spec\.inputs\.photo\.height: .*greater than or equal to 8.* Received: 4\.$"),
        ("inputs.photo.kind", "imag", r"^spec\.inputs\.photo\.kind: no kind 'imag'; did you mean 'image'\?"),
        ("inputs.photo", {"height": 64}, r"^spec\.inputs\.photo\.kind: missing"),
        ("branches.photo.input", "foto", r"branches\.photo\.input: no input 'foto'; did you mean 'photo'\?"),
        ("branches.photo.kind", "embedding", r"photo: unknown key 'color'"),
        (
            "branches.title.input",
            "photo",
            r"branches\.title: a branch of kind 'embedding' reads a text, but 'photo' is image",
        ),
        (
            "branches.photo.input",
            "title",
            r"branches\.photo: a branch of kind 'conv' reads an image, but 'title' is text",
        ),
        (
            "branches.photo.filters",
            [8] * 9,
            r"9 stages with pool 2 shrink a picture 512 times, but 'photo' has only",
        ),
        ("inputs.notes", {"kind": "text"}, r"inputs\.notes: no branch reads it\. Add a branch with 'input: notes'"),
        ("inputs.photo_present", {"kind": "text"}, r"photo_present: names ending in '_present' and '_target' are kept"),
        ("heads.topic.labels", ["news"], r"heads\.topic\.labels: 1 label; expected at least 2\. Received: \['news'\]"),
        ("heads.topic.labels", ["a", "b", "a"], r"labels must differ; given more than once: a"),
        ("inputs", {"from": {"kind": "text"}}, r"'from' can't be a name; .* no word that Python keeps for itself"),
        ("inputs.title", {"kind": "tags", "delimiter": "；"}, r"'；' can't separate tags; expected ','"),
        ("heads", {}, r"^spec\.heads: .*at least 1 item"),
        ("inputs", {"Photo": {"kind": "text"}}, r"'Photo' can't be a name; expected a lower case letter"),
    ],
)
def test_a_wrong_spec_says_where_and_what_was_expected(path: str, value: object, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        ModelSpec.parse(changed(path, value), what="spec")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SpecError, match=r"^spec\.heads: missing; it has no default\.$"):
        ModelSpec.parse({key: SPEC[key] for key in ("inputs", "branches")}, what="spec")


def test_each_mistake_has_a_line_of_its_own() -> None:
    data = changed("inputs.photo.width", "wide")
    data["trunk"] = {"dropout": 2}

    with pytest.raises(SpecError) as caught:
        ModelSpec.parse(data, what="spec")

    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "spec.inputs.photo.width",
        "spec.trunk.dropout",
    ]


def test_a_spec_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(SpecError, match=r"^spec: .*valid dictionary"):
        ModelSpec.parse(["conv"], what="spec")
