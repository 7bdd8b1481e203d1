"""Why the model says so, and what if something were not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.page.pictures import picture, picture_file
from tests.page.visit import Visit

pytestmark = pytest.mark.slow

_PIXEL = """(canvas) => {
  const { width, height } = canvas;
  const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  let opaque = 0;
  for (let at = 3; at < pixels.length; at += 4) opaque += pixels[at] > 0;
  return [width / height, opaque / (width * height), Number(getComputedStyle(canvas).opacity)];
}"""


@pytest.fixture
def explained(visit: Visit, tmp_path: Path) -> Visit:
    """An answer with its explanation."""
    visit.choose(picture_file(tmp_path, "red"))
    visit.write("a tomato, number 7!")
    visit.predict()
    visit.page.locator(".word small").first.wait_for()
    return visit


def test_a_heat_map_lies_over_the_picture_and_the_slider_moves_it(explained: Visit) -> None:
    canvas = explained.page.locator(".heatmap canvas")
    aspect, covered, opacity = canvas.evaluate(_PIXEL)
    assert aspect == pytest.approx(20 / 16, abs=0.02)  # of the picture, not of what the model was given
    assert covered == pytest.approx(1, abs=0.02)
    assert opacity == pytest.approx(0.6)
    picture_box, canvas_box = explained.page.locator(".heatmap img").bounding_box(), canvas.bounding_box()
    assert picture_box == canvas_box
    explained.page.get_by_label("Heat map over image").fill("10")

    assert canvas.evaluate(_PIXEL)[2] == pytest.approx(0.1)


def test_each_input_has_its_share_and_each_word_its_weight(explained: Visit, service_url: str) -> None:
    asked = {"files": {"image": ("a.png", picture("red"))}, "data": {"text": "a tomato, number 7!"}}
    answer = httpx.post(f"{service_url}/predict?explain=true", **asked).json()  # type: ignore[arg-type]
    why = answer["predictions"][0]["explanation"]["colour"]
    shares = dict(re.split(r"\s+", row) for row in explained.page.locator(".shares tbody tr").all_inner_texts())
    words = [re.split(r"\s+", one) for one in explained.page.locator(".word").all_inner_texts()]

    assert {name: number(text) for name, text in shares.items()} == pytest.approx(
        {name: 100 * why["shares"][name] for name in ("image", "text")}, abs=0.06
    )
    assert [word for word, _ in words] == ["a", "tomato", "number", "7"]
    weights = [100 * one["weight"] for one in why["tokens"]["text"]]
    assert [number(text) for _, text in words] == pytest.approx(weights, abs=0.06)


def number(text: str) -> float:
    """A number as the page writes it."""
    return float(text.replace("\N{MINUS SIGN}", "-"))


def test_an_input_is_dropped_and_the_change_is_shown(explained: Visit, service_url: str) -> None:
    explained.page.locator("[data-drop=text]").click()
    change = explained.page.locator("#what-if-change .changes")
    change.wait_for()
    alone = httpx.post(f"{service_url}/predict", files={"image": ("a.png", picture("red"))}).json()
    now = alone["predictions"][0]["heads"]["colour"]["probabilities"]["red"]

    (row,) = [row for row in change.locator("tbody tr").all_inner_texts() if row.startswith("red")]
    assert f"{100 * now:.1f}" in row
    explained.page.get_by_role("button", name="Put all back").click()
    assert explained.page.locator("[data-drop=text]").get_attribute("aria-pressed") == "true"
    assert change.count() == 0


def test_a_change_that_rounds_to_nothing_has_no_colour(explained: Visit) -> None:
    asked: dict[str, Any] = {"files": {"image": ("a.png", picture("red"))}, "data": {"text": "a tomato, number 7!"}}
    changed = httpx.post(f"{explained.url}/predict", **asked).json()
    probabilities = changed["predictions"][0]["heads"]["colour"]["probabilities"]
    for label, change in {"red": -0.0003, "green": 0.0003, "blue": 0.1}.items():
        probabilities[label] += change
    explained.page.route("**/predict?*", lambda route: route.fulfill(json=changed))
    explained.page.locator(".word", has_text="number").click()
    explained.page.locator(".changes").wait_for()
    cells = {
        label: explained.page.locator(".changes tbody tr", has_text=label).locator("td").last
        for label in ("red", "green", "blue")
    }

    assert [cell.inner_text() for cell in cells.values()] == ["0.0", "0.0", "+10.0"]
    assert [(cell.get_attribute("class") or "").split() for cell in cells.values()] == [
        ["number"],
        ["number"],
        ["number", "is-more"],
    ]


def test_a_word_is_dropped_and_the_service_asked_without_it(explained: Visit) -> None:
    explained.page.locator(".word", has_text="tomato").click()
    explained.page.locator("#what-if-change .changes").wait_for()

    assert explained.sent_text() == "a , number 7!"


def test_with_everything_switched_off_it_says_what_to_do(explained: Visit) -> None:
    explained.may_be_refused = True
    explained.page.locator("[data-drop=text]").click()
    explained.page.locator("[data-drop=image]").click()

    assert "Give at least one input" in explained.problem("#what-if-problem").inner_text()


def test_no_reason_is_given_if_none_is_wanted(visit: Visit) -> None:
    visit.page.get_by_label("Say why, too").uncheck()
    visit.write("a tomato")
    visit.predict()

    assert not any("explain=true" in one for one in visit.requests)
    assert not visit.page.locator("#why").is_visible()
    assert visit.page.locator(".word").count() == 2


def test_a_later_request_gives_up_what_was_asked_before(visit: Visit) -> None:
    visit.page.route("**/predict?*explain=true", lambda route: None, times=1)  # never answers
    visit.write("grass")
    visit.predict()
    visit.page.locator("#why-progress .progress").wait_for()
    visit.write("tomato")
    visit.page.get_by_role("button", name="Predict").click()
    visit.page.locator(".shares").wait_for()

    # The answer and its explanation, twice.
    assert visit.page.evaluate("window.sentSignals.map((one) => one.aborted)") == [True, True, False, False]
    assert visit.page.locator("#why-problem .problem").count() == 0
