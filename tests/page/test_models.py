"""Models of every shape: any number of inputs and heads, of each kind."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.page.pictures import picture
from tests.page.visit import Visit

INPUTS = {
    "front": {"kind": "image", "height": 8, "width": 8, "fit": "letterbox"},
    "back": {"kind": "image", "height": 8, "width": 8, "fit": "center_crop"},
    "title": {"kind": "text"},
    "description": {"kind": "text"},
    "keywords": {"kind": "tags", "delimiter": "|"},
}
LABELS = {"thing": ["bag", "mug"], "flaws": ["broken", "faded", "stained"]}


def head(probabilities: dict[str, float], given: list[str]) -> dict[str, Any]:
    """A head's part of an answer."""
    top = sorted(
        ({"label": one, "probability": p} for one, p in probabilities.items()), key=lambda one: -one["probability"]
    )
    return {
        "label": top[0]["label"],
        "labels": given,
        "probability": top[0]["probability"],
        "top": top,
        "probabilities": probabilities,
    }


def answer(flaws: list[str]) -> dict[str, Any]:
    heads = {
        "thing": head({"bag": 0.25, "mug": 0.75}, ["mug"]),
        "flaws": head({"broken": 0.9, "faded": 0.6, "stained": 0.1}, flaws),
    }
    model = {"name": "tiny", "version": 2}
    return {"model": model, "request_id": "1", "predictions": [{"heads": heads, "absent": ["back"]}]}


@pytest.fixture
def shop(visit: Visit, service_url: str) -> Visit:
    """The page of a model with two pictures, two texts, tags and two heads, one of them multi-label."""
    info = httpx.get(f"{service_url}/models/tiny").json()
    thresholds = {"flaws": dict.fromkeys(LABELS["flaws"], 0.5)}
    other = info | {"inputs": INPUTS, "labels": LABELS, "metrics": {}, "thresholds": thresholds}
    visit.page.route("**/models/tiny", lambda route: route.fulfill(json=other))
    visit.page.route("**/models/tiny/examples", lambda route: route.fulfill(json={"examples": []}))
    visit.page.reload()
    visit.page.locator("[data-input=keywords]").wait_for()
    visit.page.get_by_label("Say why, too").uncheck()
    return visit


def test_each_input_has_a_field_and_is_sent_by_its_name(shop: Visit) -> None:
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=answer(["broken", "faded"])))
    shop.drop(picture("red"), "front")
    shop.page.get_by_text("dropped.png").wait_for()
    shop.paste(picture("blue"))
    shop.page.get_by_text("pasted.png").wait_for()
    shop.write("a mug", "title")
    shop.write("gift|red", "keywords")
    shop.page.get_by_role("button", name="Predict").click()
    shop.page.locator(".first-choice").first.wait_for()

    assert (shop.sent_picture("front"), shop.sent_picture("back")) == (picture("red"), picture("blue"))
    assert [shop.sent_text(name) for name in ("title", "description", "keywords")] == ["a mug", None, "gift|red"]
    assert shop.page.locator(".word-list .word").all_inner_texts() == ["a", "mug", "gift", "red"]


@pytest.mark.parametrize(
    ("flaws", "words"), [(["broken", "faded"], "broken\nfaded"), ([], "No label reaches its threshold.")]
)
def test_each_head_has_its_answer_and_a_multi_label_one_all_it_gives(flaws: list[str], words: str, shop: Visit) -> None:
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=answer(flaws)))
    shop.write("a mug", "title")
    shop.page.get_by_role("button", name="Predict").click()
    choices = shop.page.locator(".first-choice")
    choices.first.wait_for()

    assert shop.page.locator("#predictions h3").all_inner_texts() == ["thing", "flaws"]
    assert choices.all_inner_texts()[0].startswith("mug")
    assert choices.all_inner_texts()[1].split() == words.split()


LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
NAMES = [
    LONG,
    "used_household_goods_of_stoneware_or_porcelain_with_visible_faults",
    "أدوات منزلية",
    "壊れたカップ",
    "<b>",
]


@pytest.mark.parametrize("visit", [{"viewport": {"width": 320, "height": 640}}], indirect=True)
def test_names_of_any_length_and_script_fit_a_narrow_phone(shop: Visit) -> None:
    told = answer(["broken"])
    told["predictions"][0]["heads"] = {"thing": head(dict(zip(NAMES, (0.5, 0.2, 0.1, 0.1, 0.1), strict=True)), [LONG])}
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=told))
    shop.write("ספל כחול", "title")
    shop.page.get_by_role("button", name="Predict").click()
    rows = shop.page.locator("#predictions .bars tbody th")
    rows.first.wait_for()

    assert sorted(rows.all_inner_texts()) == sorted(NAMES)
    assert shop.page.evaluate("document.documentElement.scrollWidth") == 320
    box, holder = rows.first.bounding_box(), shop.page.locator("#predictions").bounding_box()
    assert box is not None
    assert holder is not None
    assert box["width"] < holder["width"] / 2
    assert rows.locator("bdi:dir(rtl)").all_inner_texts() == ["أدوات منزلية"]
    assert shop.page.locator("[data-input=title] textarea:dir(rtl), .words:dir(rtl)").count() == 2


def test_a_label_that_took_the_first_place_is_shown_among_many(shop: Visit) -> None:
    before = {f"label_{number}": 0.1 for number in range(9)} | {"last": 0.01}
    after = {f"label_{number}": 0.01 for number in range(9)} | {"last": 0.05}
    answers = [answer([]), answer([])]
    for one, probabilities in zip(answers, (before, after), strict=True):
        one["predictions"][0]["heads"] = {"thing": head(probabilities, [])}
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=answers.pop(0)))
    shop.write("a mug", "title")
    shop.page.get_by_role("button", name="Predict").click()
    shop.page.locator(".word", has_text="mug").click()
    rows = shop.page.locator(".changes tbody th")
    rows.first.wait_for()

    assert shop.page.locator(".changes caption").inner_text() == "thing: label_0 became last"
    assert {"label_0", "last"} <= set(rows.all_inner_texts())


def test_a_model_without_figures_says_so(shop: Visit) -> None:
    shop.show("figures")

    assert shop.page.get_by_text("This model brings no figures.").is_visible()
