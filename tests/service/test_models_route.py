"""`GET /models`, `GET /models/{name}` and `GET /models/{name}/examples`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.running import assert_problem, serving, wait_until
from tests.service.stand_in import write_bundle

COLOURS = {
    "name": "colours",
    "versions": [{"version": 1, "state": "ready", "reason": None}],
    "pinned": None,
    "inputs": {
        "image": {"kind": "image", "height": 8, "width": 8, "fit": "letterbox"},
        "text": {"kind": "text"},
        "tags": {"kind": "tags", "delimiter": ","},
    },
    "labels": {"colour": ["blue", "green", "red"]},
    "thresholds": {},
    "metrics": {"colour": {"accuracy": 0.75}},
    "comparison": None,
    "training_data": {},
    "libraries": {},
    "created": "2025-01-02T00:00:00Z",
    "model_card": None,
}


def test_a_model_says_what_it_takes_and_gives_and_scored(stand_in_service: httpx.Client) -> None:
    assert stand_in_service.get("/models/colours").json() == COLOURS
    assert stand_in_service.get("/models").json() == {"models": [COLOURS]}


def test_a_trained_model_says_it_too(tiny_service: httpx.Client) -> None:
    (info,) = tiny_service.get("/models").json()["models"]

    assert info["name"] == "tiny"
    assert info["inputs"]["image"] == {"kind": "image", "height": 12, "width": 10, "fit": "letterbox"}
    assert info["labels"] == {"colour": ["blue", "green", "red"]}
    assert 0 <= info["metrics"]["colour"]["metrics"]["accuracy"]["value"] <= 1
    assert info["training_data"]["rows"].keys() == {"train", "val", "test"}
    assert {"tensorflow", "keras"} <= info["libraries"].keys()


def test_an_unknown_model_is_not_found(stand_in_service: httpx.Client) -> None:
    document = assert_problem(stand_in_service.get("/models/colors"), 404, "not-found")

    assert document["detail"] == "No model 'colors'; did you mean 'colours'? Valid: colours."


def test_refused_versions_are_listed_with_the_reason(models: Path) -> None:
    write_bundle(models, "mugs", 1)
    write_bundle(models, "mugs", 2)
    write_bundle(models, "mugs", 3, offset=0.5)
    write_bundle(models, "cups", 1, format_version=99)
    with serving(models) as client:
        cups, mugs = client.get("/models").json()["models"]

    assert mugs["versions"][0] == {"version": 1, "state": "not_loaded", "reason": None}
    assert mugs["versions"][1] == {"version": 2, "state": "ready", "reason": None}
    refused = mugs["versions"][2]
    assert (refused["version"], refused["state"]) == (3, "refused")
    assert "probabilities differ by 0.5" in refused["reason"]
    assert (cups["versions"][0]["state"], cups["inputs"], cups["created"]) == ("refused", {}, None)
    assert cups["versions"][0]["reason"].startswith("Bundle 1 has format 99; this build reads up to 4.")


def test_tables_by_class_and_the_model_card_are_told_of_one_model_alone(models: Path) -> None:
    figures = {"accuracy": 0.5, "classes": {"red": {"recall": 1}}, "confusion": [[1]], "confused": [["a", "b", 1]]}
    bundle = write_bundle(models, metrics={"colour": figures})
    (bundle / "assets.extra" / "MODEL_CARD.md").write_text("# Colours\n\nNames the colour of a mug.\n")
    with serving(models) as client:
        (short,), whole = client.get("/models").json()["models"], client.get("/models/colours").json()

    assert (short["metrics"], short["model_card"]) == ({"colour": {"accuracy": 0.5}}, None)
    assert (whole["metrics"], whole["model_card"]) == ({"colour": figures}, "# Colours\n\nNames the colour of a mug.\n")


def test_a_new_version_is_listed_beside_the_one_kept_for_going_back(models: Path) -> None:
    write_bundle(models, version=1)
    with serving(models, poll_s=0.01) as client:
        write_bundle(models, version=2)
        kept = {"version": 1, "state": "loaded", "reason": None}
        newest = {"version": 2, "state": "ready", "reason": None}
        wait_until(lambda: client.get("/models/colours").json()["versions"] == [kept, newest], timeout_s=20)


def test_a_model_passes_on_what_a_comparison_found(models: Path) -> None:
    write_bundle(models, comparison={"sentence": "Merging helps."})
    with serving(models) as client:
        (short,), whole = client.get("/models").json()["models"], client.get("/models/colours").json()

    assert (short["comparison"], whole["comparison"]) == (None, {"sentence": "Merging helps."})


def test_examples_of_the_bundle_are_told_as_requests_have_them(models: Path) -> None:
    examples = [{"image": "data:image/png;base64,AAAA", "text": "a mug"}, {"tags": ["red"], "text": None}]
    write_examples(write_bundle(models), {"examples": examples})
    with serving(models) as client:
        assert client.get("/models/colours/examples").json() == {"examples": examples}
        assert_problem(client.get("/models/cups/examples"), 404, "not-found")


def test_a_bundle_without_examples_has_none(stand_in_service: httpx.Client) -> None:
    assert stand_in_service.get("/models/colours/examples").json() == {"examples": []}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([{"text": "a mug"}], "is not an object with a list of examples (TypeError)"),
        ({"examples": [{"photo": "a mug"}]}, "names inputs that the model has not: photo. Valid: image, text, tags."),
    ],
)
def test_a_version_whose_examples_are_wrong_is_refused(content: Any, reason: str, models: Path) -> None:
    write_bundle(models, version=1)
    write_examples(write_bundle(models, version=2), content)
    with serving(models) as client:
        good, refused = client.get("/models/colours").json()["versions"]

    assert (good["state"], refused["state"]) == ("ready", "refused")
    assert reason in refused["reason"]


def write_examples(bundle: Path, content: Any) -> None:
    (bundle / "assets.extra" / "examples.json").write_text(json.dumps(content))
