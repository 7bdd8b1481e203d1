"""The model's own figures on the page."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from tests.page.conftest import SENTENCE
from tests.page.visit import Visit

pytestmark = pytest.mark.slow


@pytest.fixture
def info(service_url: str) -> dict[str, Any]:
    """What the service says of the model."""
    told: dict[str, Any] = httpx.get(f"{service_url}/models/tiny").json()
    return told


def rows(visit: Visit, table: str) -> list[list[str]]:
    """The cells of a table's body."""
    found = visit.page.get_by_role("region", name=table, exact=True).locator("tbody tr")
    return [[cell.strip() for cell in re.split(r"\t+", row)] for row in found.all_inner_texts()]


def test_figures_have_the_intervals_of_the_bundle(visit: Visit, info: dict[str, Any]) -> None:
    visit.show("figures")
    accuracy = info["metrics"]["colour"]["metrics"]["accuracy"]

    assert rows(visit, "Figures")[0][:3] == [
        "Accuracy",
        f"{accuracy['value']:.3f}",
        f"{accuracy['low']:.3f} to {accuracy['high']:.3f}",
    ]


def test_the_confusion_matrix_has_a_row_a_label(visit: Visit, info: dict[str, Any]) -> None:
    visit.show("figures")
    matrix = [[int(cell) for cell in row[1:]] for row in rows(visit, "Confusion matrix")]

    assert matrix == info["metrics"]["colour"]["confusion"]
    assert [row[0] for row in rows(visit, "Confusion matrix")] == info["labels"]["colour"]


def test_labels_stand_the_worst_first(visit: Visit, info: dict[str, Any]) -> None:
    visit.show("figures")
    classes = info["metrics"]["colour"]["classes"]

    assert {row[0] for row in rows(visit, "Figures by label")} == set(classes)
    shown = [float(row[4]) for row in rows(visit, "Figures by label")]
    assert shown == sorted(shown)


def test_labels_of_which_no_row_was_tested_stand_last(visit: Visit, info: dict[str, Any]) -> None:
    figures = info["metrics"]["colour"]
    classes = {"none": next(iter(figures["classes"].values())) | {"support": 0, "f1": None}} | figures["classes"]
    told = info | {"metrics": {"colour": figures | {"classes": classes}}}
    visit.page.route("**/models/tiny", lambda route: route.fulfill(json=told))
    visit.open("figures")
    visit.page.reload()
    visit.page.get_by_label("Figures by label").wait_for()

    assert rows(visit, "Figures by label")[-1][0] == "none"


def test_a_reliability_diagram_has_a_dot_a_bin(visit: Visit, info: dict[str, Any]) -> None:
    visit.show("figures")
    filled = [one for one in info["metrics"]["colour"]["reliability"] if one["count"]]

    assert visit.page.locator(".diagram .dot").count() == len(filled)
    assert len(rows(visit, "How often it was right, by how sure it was")) == len(filled)


def test_it_says_how_the_model_does_without_an_input(visit: Visit, info: dict[str, Any]) -> None:
    visit.show("figures")
    shown = {row[0]: row[1] for row in rows(visit, "Figures with inputs left out")}
    absent = info["metrics"]["colour"]["absent"]

    assert {"nothing", "image", "text", "tags"} <= shown.keys()
    assert shown["image"] == f"{absent['image']['accuracy']['value']:.3f}"


def test_the_verdict_of_a_comparison_is_shown(visit: Visit) -> None:
    visit.show("figures")

    assert visit.page.locator(".verdict").inner_text() == SENTENCE


def test_of_so_many_labels_that_there_is_no_matrix_the_pairs_are_shown(visit: Visit, info: dict[str, Any]) -> None:
    figures = {key: value for key, value in info["metrics"]["colour"].items() if key != "confusion"}
    right, said = list(figures["classes"])[:2]
    figures |= {"confused": [[right, said, figures["classes"][right]["support"]]]}
    visit.page.route("**/models/tiny", lambda route: route.fulfill(json=info | {"metrics": {"colour": figures}}))
    visit.open("figures")
    visit.page.reload()

    visit.page.get_by_label("Labels that are confused most often").wait_for()
    assert [row[:2] + row[3:] for row in rows(visit, "Labels that are confused most often")] == [
        [right, said, "100.0\xa0%"]
    ]


def test_five_hundred_labels_stay_usable(visit: Visit, info: dict[str, Any]) -> None:
    labels = [f"label_{number:03}" for number in range(500)]
    (some,) = {json.dumps(one) for one in list(info["metrics"]["colour"]["classes"].values())[:1]}
    figures = info["metrics"]["colour"] | {
        "classes": {label: json.loads(some) for label in labels},
        "confusion": [[9 if said == right else int(said == right + 1) for said in range(500)] for right in range(500)],
    }
    many = info | {"labels": {"colour": labels}, "metrics": {"colour": figures}}
    visit.page.route("**/models/tiny", lambda route: route.fulfill(json=many))
    visit.open("figures")
    visit.page.reload()
    visit.page.get_by_label("Find a label").wait_for()

    assert visit.page.locator(".confusion").count() == 0
    assert len(rows(visit, "Labels that are confused most often")) == 30
    assert len(rows(visit, "Figures by label")) == 40
    visit.page.get_by_label("Find a label").fill("label_499")
    assert [row[0] for row in rows(visit, "Figures by label")] == ["label_499"]
