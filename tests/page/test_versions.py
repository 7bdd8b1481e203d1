"""Versions on the page, and who may choose among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from service.intake import keys as key_file
from tests.page.visit import Visit
from tests.service.running import serving, wait_until
from tests.service.stand_in import write_bundle

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


def test_versions_have_their_states_and_reasons(visit: Visit) -> None:
    visit.show("versions")
    rows = {version: visit.page.locator(f"tr[data-version='{version}']").inner_text() for version in (1, 2, 3)}

    assert "answers" in rows[2]
    assert "refused" in rows[3]
    assert "damaged: missing or changed since it was written: saved_model.pb" in rows[3]


def test_a_version_is_rolled_back_and_the_newest_followed_again(visit: Visit, service_url: str) -> None:
    visit.show("versions")
    visit.page.get_by_role("button", name="Activate version 1").click()
    visit.page.get_by_text("Pinned to version 1").wait_for()
    assert visit.page.locator("#version").inner_text() == "version 1"
    assert httpx.post(f"{service_url}/predict", json={"text": "grass"}).json()["model"]["version"] == 1
    visit.page.get_by_role("button", name="Follow the newest again").click()
    visit.page.get_by_text("Follows its newest good version.").wait_for()

    assert httpx.post(f"{service_url}/predict", json={"text": "grass"}).json()["model"]["version"] == 2


def test_a_damaged_version_stays_refused_in_words(visit: Visit) -> None:
    visit.may_be_refused = True
    visit.show("versions")
    visit.page.get_by_role("button", name="Activate version 3").click()

    assert "This version can't be served" in visit.problem("#versions-problem").inner_text()
    assert visit.page.locator("#version").inner_text() == "version 2"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, str, str]]:
    """A service of two models that asks for keys: its address, a key that predicts, one that may do all."""
    models = tmp_path / "models"
    for name in ("colours", "shades"):
        for version in (1, 2):
            write_bundle(models, name, version)
    keys = tmp_path / "keys.json"
    plain = key_file.add(keys, "shop", ("predict",))
    whole = key_file.add(keys, "deploy", ("predict", "admin"))
    with serving(models, keys=keys) as client:
        yield str(client.base_url).rstrip("/"), plain, whole


@pytest.fixture
def stranger(browser: Browser, guarded: tuple[str, str, str]) -> Iterator[Visit]:
    """The page of that service, asking for a key."""
    context = browser.new_context()
    visit = Visit(context.new_page(), guarded[0])
    visit.may_be_refused = True
    visit.page.goto(f"{guarded[0]}/")
    visit.page.get_by_label("Key", exact=True).wait_for()
    yield visit
    context.close()
    visit.check()


def enter(visit: Visit, key: str) -> None:
    visit.page.get_by_label("Key", exact=True).fill(key)
    visit.page.get_by_role("button", name="Go on").click()


def test_a_key_is_asked_for_and_never_part_of_an_address(stranger: Visit, guarded: tuple[str, str, str]) -> None:
    enter(stranger, "bf_wrong")
    assert "A key is needed" in stranger.problem("#page-problem").inner_text()
    enter(stranger, guarded[1])
    stranger.write("a red mug")

    assert stranger.predict() == "red"
    assert not any(guarded[1] in one for one in stranger.requests)
    stranger.show("use")
    assert '-H "Authorization: Bearer $BIFOCAL_KEY"' in stranger.page.locator("pre").first.inner_text()


def test_a_key_is_asked_for_until_there_is_one_whatever_part_is_wanted(
    stranger: Visit, guarded: tuple[str, str, str]
) -> None:
    stranger.show("figures")
    assert stranger.page.get_by_label("Key", exact=True).is_visible()
    enter(stranger, guarded[1])

    stranger.page.get_by_role("heading", name="How well it does").wait_for()
    assert not stranger.page.get_by_label("Key", exact=True).is_visible()


def test_a_key_that_is_no_longer_good_is_asked_for_again_and_what_was_typed_stays(
    stranger: Visit, guarded: tuple[str, str, str]
) -> None:
    enter(stranger, guarded[1])
    stranger.write("a red mug")
    stranger.page.evaluate("sessionStorage.setItem('bifocal.key', 'bf_revoked')")
    stranger.page.get_by_role("button", name="Predict").click()
    assert "The key is not known" in stranger.problem().inner_text()
    enter(stranger, guarded[1])

    assert stranger.first_choice() == "red"


def test_the_code_reads_the_key_from_the_environment(stranger: Visit, guarded: tuple[str, str, str]) -> None:
    enter(stranger, guarded[1])
    stranger.write("a red mug")
    stranger.predict()
    stranger.show("use")
    code = stranger.page.locator("pre").all_inner_texts()

    assert "`Bearer ${process.env.BIFOCAL_KEY}`" in code[3]
    assert all("BIFOCAL_KEY" in one for one in code[:4])


def test_there_is_a_choice_of_models(stranger: Visit, guarded: tuple[str, str, str]) -> None:
    enter(stranger, guarded[1])
    stranger.page.get_by_label("Model", exact=True).select_option("shades")
    stranger.page.locator("#version").get_by_text("version 2").wait_for()
    stranger.write("a blue mug")
    stranger.predict()

    assert "shades, version 2" in stranger.page.locator("#timing").inner_text()


def test_activating_needs_a_key_with_the_right_to_it(stranger: Visit, guarded: tuple[str, str, str]) -> None:
    enter(stranger, guarded[1])
    stranger.page.locator("#model-choice").wait_for()
    stranger.show("versions")
    stranger.page.get_by_role("button", name="Activate version 1").click()
    assert "This is not allowed" in stranger.problem("#versions-problem").inner_text()
    stranger.page.get_by_label("Key with the right").fill(guarded[2])
    stranger.page.get_by_role("button", name="Use this key").click()

    stranger.page.get_by_text("Pinned to version 1").wait_for()


def test_a_version_that_comes_later_is_seen_and_what_was_typed_stays(browser: Browser, tmp_path: Path) -> None:
    write_bundle(tmp_path, version=1)
    with serving(tmp_path, poll_s=0.1) as client:
        visit = Visit(browser.new_page(), str(client.base_url).rstrip("/"))
        visit.open()
        visit.write("a red mug")
        write_bundle(tmp_path, version=2)
        wait_until(lambda: client.post("/predict", json={"text": "red"}).json()["model"]["version"] == 2)
        visit.predict()
        visit.page.locator("#version").get_by_text("version 2").wait_for()

        assert visit.page.locator("[data-input=text] textarea").input_value() == "a red mug"
        visit.page.close()


def test_while_no_model_answers_it_says_so_and_looks_again(browser: Browser, tmp_path: Path) -> None:
    write_bundle(tmp_path)
    with serving(tmp_path) as client:
        told = client.get("/models").json()
        told["models"][0]["versions"][0]["state"] = "loading"
        visit = Visit(browser.new_page(), str(client.base_url).rstrip("/"))
        visit.page.route("**/models", lambda route: route.fulfill(json=told), times=1)
        visit.page.goto(visit.url)
        assert "It is starting, or about to end" in visit.problem("#page-problem").inner_text()
        visit.page.locator("[data-input=text]").wait_for()

        assert visit.page.locator("#page-problem .problem").count() == 0
        visit.page.close()
