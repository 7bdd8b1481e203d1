"""Models of every shape: any number of inputs and heads, of each kind."""

from __future__ import annotations

import textwrap
from typing import Any

import httpx
import pytest

from service.client.results import Prediction
from tests.page.pictures import data_url, picture
from tests.page.visit import Visit

pytestmark = pytest.mark.slow

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


@pytest.mark.parametrize(
    ("flaws", "words"),
    [
        (["broken", "faded"], "flaws: broken, 90.0\xa0%; faded, 60.0\xa0%."),
        ([], "flaws: no label reaches its threshold."),
    ],
)
def test_all_that_a_multi_label_head_gives_is_read_out(flaws: list[str], words: str, shop: Visit) -> None:
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=answer(flaws)))
    shop.write("a mug", "title")
    shop.page.get_by_role("button", name="Predict").click()
    shop.page.locator(".first-choice").first.wait_for()

    assert shop.page.locator("#status").inner_text() == f"thing: mug, 75.0\xa0%. {words}"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (["broken", "faded"], ["broken"], "flaws: broken, faded became broken"),
        (["broken"], [], "flaws: broken became no label"),
        (["faded", "broken"], ["broken", "faded"], "flaws: still broken, faded"),
    ],
)
def test_a_change_of_any_label_that_is_given_is_told(
    before: list[str], after: list[str], words: str, shop: Visit
) -> None:
    answers = [answer(before), answer(after)]
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=answers.pop(0)))
    shop.write("a mug", "title")
    shop.page.get_by_role("button", name="Predict").click()
    shop.page.locator(".word", has_text="mug").click()
    changes = shop.page.locator(".changes caption")
    changes.last.wait_for()

    assert changes.all_inner_texts() == ["thing: still mug", words]


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
    for one, probabilities, first in zip(answers, (before, after), ("label_0", "last"), strict=True):
        one["predictions"][0]["heads"] = {"thing": head(probabilities, [first])}
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=answers.pop(0)))
    shop.write("a mug", "title")
    shop.page.get_by_role("button", name="Predict").click()
    shop.page.locator(".word", has_text="mug").click()
    rows = shop.page.locator(".changes tbody th")
    rows.first.wait_for()

    assert shop.page.locator(".changes caption").inner_text() == "thing: label_0 became last"
    assert {"label_0", "last"} <= set(rows.all_inner_texts())


def test_what_is_the_only_thing_given_is_not_to_be_switched_off(shop: Visit) -> None:
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=answer(["broken"])))
    shop.write("a mug", "title")
    shop.page.get_by_role("button", name="Predict").click()
    shop.page.locator(".word", has_text="mug").wait_for()
    assert shop.page.locator("[data-drop]").count() == 0
    shop.page.get_by_role("button", name="Clear").click()
    shop.drop(picture("red"), "front")
    shop.page.get_by_text("dropped.png").wait_for()
    shop.page.get_by_role("button", name="Predict").click()
    shop.page.locator(".first-choice").first.wait_for()

    assert not shop.page.locator("#what-if").is_visible()


def test_an_example_of_a_model_that_takes_no_words_says_nothing_of_words(visit: Visit, service_url: str) -> None:
    info = httpx.get(f"{service_url}/models/tiny").json() | {"inputs": {"front": INPUTS["front"]}}
    visit.page.route("**/models/tiny", lambda route: route.fulfill(json=info))
    examples = {"examples": [{"front": data_url(picture("red"))}]}
    visit.page.route("**/models/tiny/examples", lambda route: route.fulfill(json=examples))
    visit.page.reload()
    visit.page.locator("[data-input=front]").wait_for()

    assert visit.page.locator(".example").inner_text() == ""
    assert visit.page.get_by_role("button", name="front", exact=True).is_visible()


def test_the_code_for_bifocals_client_prints_each_head(shop: Visit) -> None:
    shop.page.route("**/predict?*", lambda route: route.fulfill(json=answer(["broken", "faded"])))
    shop.write("a mug", "title")
    shop.predict()
    shop.show("use")
    code = shop.page.get_by_label("Python, with Bifocal's client", exact=True).inner_text()
    after = textwrap.dedent(code.partition("client.predict(example)\n")[2])
    printed: list[tuple[object, ...]] = []
    (prediction,) = Prediction.all_of(answer(["broken", "faded"]))
    exec(after, {"prediction": prediction, "print": lambda *given: printed.append(given)})  # noqa: S102  # the page wrote it

    assert printed == [("thing", ("mug",), 0.75), ("flaws", ("broken", "faded"), 0.9)]


def test_choosing_the_model_that_is_shown_again_keeps_its_version(visit: Visit) -> None:
    visit.page.get_by_label("Model", exact=True).dispatch_event("change")
    visit.page.locator("#version").get_by_text("version 2").wait_for()


def test_a_model_without_figures_says_so(shop: Visit) -> None:
    shop.show("figures")

    assert shop.page.get_by_text("This model brings no figures.").is_visible()
