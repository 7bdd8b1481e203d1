"""For everybody: axe-core finds nothing serious, nothing is cut off on a phone, the keyboard reaches all."""

from __future__ import annotations

import pytest

from tests.page.visit import Visit

pytestmark = pytest.mark.slow

VIEWS = ("try", "figures", "use", "versions")
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
# axe-core is handed to the page as a script, which the policy would not let in.
SCHEMES = [
    pytest.param({**size, "color_scheme": scheme, "bypass_csp": True}, id=f"{name}-{scheme}")
    for name, size in (("phone", PHONE), ("desktop", DESKTOP))
    for scheme in ("light", "dark")
]


def fill(visit: Visit) -> None:
    """All that the page can show: an answer, why, and what if."""
    visit.page.locator(".example").first.click()
    visit.page.locator(".heatmap").wait_for()
    visit.page.locator(".word small").first.wait_for()
    visit.page.locator("[data-drop=text]").click()
    visit.page.locator(".changes").wait_for()


@pytest.mark.parametrize("visit", SCHEMES, indirect=True)
def test_axe_core_finds_nothing_serious(visit: Visit) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    fill(visit)
    for view in VIEWS:
        visit.show(view)
        response = axe.Axe().run(visit.page).response
        assert len(response["passes"]) > 10
        found = [one for one in response["violations"] if one["impact"] in ("serious", "critical")]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], view


@pytest.mark.parametrize("visit", [{"viewport": {"width": 320, "height": 640}}], indirect=True)
def test_nothing_is_wider_than_a_narrow_phone(visit: Visit) -> None:
    fill(visit)
    for view in VIEWS:
        visit.show(view)
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 320, view


@pytest.mark.parametrize("visit", [PHONE], indirect=True)
def test_what_is_pressed_is_large_enough_for_a_finger(visit: Visit) -> None:
    fill(visit)
    small = []
    for view in VIEWS:
        visit.show(view)
        for control in visit.page.locator("button:visible, nav a:visible, select:visible, label.button:visible").all():
            box = control.bounding_box()
            assert box is not None
            if min(box["width"], box["height"]) < 43.5:
                small.append((view, control.inner_text(), box))

    assert small == []


def test_a_request_is_made_by_keyboard_alone(visit: Visit) -> None:
    keyboard = visit.page.keyboard
    keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    reached = []
    for _ in range(40):
        keyboard.press("Tab")
        focused = visit.page.evaluate("[document.activeElement.tagName, document.activeElement.name ?? '']")
        reached.append(focused)
        if focused == ["TEXTAREA", "text"]:
            break
    keyboard.type("grass")
    while visit.page.evaluate("document.activeElement.textContent") != "Predict":
        keyboard.press("Tab")
    keyboard.press("Enter")

    assert visit.first_choice() == "green"
    assert visit.page.locator("#status").inner_text().startswith("colour: green,")


def test_who_goes_to_a_part_goes_on_from_its_heading(visit: Visit) -> None:
    visit.show("versions")

    focused = visit.page.locator(":focus")
    assert (focused.evaluate("(one) => one.tagName"), focused.inner_text()) == ("H2", "Versions")
    assert visit.page.title() == "Versions · Bifocal"


@pytest.mark.parametrize("visit", [{"reduced_motion": "reduce"}], indirect=True)
def test_who_wants_no_motion_gets_none(visit: Visit) -> None:
    style = "getComputedStyle(document.querySelector('.drop-zone')).transitionDuration"

    assert visit.page.evaluate(style) in ("0s", "")
