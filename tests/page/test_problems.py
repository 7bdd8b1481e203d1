"""What goes wrong, in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.errors import problem
from tests.page.visit import Visit

pytestmark = pytest.mark.slow


def test_a_broken_file_is_named_with_what_to_do(visit: Visit, tmp_path: Path) -> None:
    visit.may_be_refused = True
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    visit.choose(broken)
    visit.page.get_by_text("This browser can't show it").wait_for()
    visit.page.get_by_role("button", name="Predict").click()
    told = visit.problem().inner_text()

    assert "The picture can't be used: image" in told
    assert "Choose another file" in told
    assert not visit.page.locator("#why").is_visible()


def test_nothing_given_is_told_without_asking(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Predict").click()

    assert "Give at least one input" in visit.problem().inner_text()
    assert not any("/predict?" in one for one in visit.requests)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (503, "overloaded", "The service is busy"),
        (504, "deadline", "The answer took too long"),
        (413, "image-too-large", "The picture has too many pixels"),
        (500, "internal", "Something went wrong in the service"),
    ],
)
def test_a_refusal_is_shown_in_words(status: int, kind: str, words: str, visit: Visit) -> None:
    visit.may_be_refused = True
    refusal = problem(kind, status, "In the service's own words.")
    headers = {"Retry-After": "7", "X-Request-ID": "0123"}
    visit.page.route("**/predict?*", lambda route: route.fulfill(status=status, json=refusal, headers=headers))
    visit.write("grass")
    visit.page.get_by_role("button", name="Predict").click()
    told = visit.problem().inner_text()

    assert words in told
    assert "In the service's own words." in told
    assert "The service asks for 7 s." in told


def test_a_service_that_is_gone_is_told(visit: Visit) -> None:
    visit.may_be_refused = True
    visit.page.route("**/predict?*", lambda route: route.abort("connectionrefused"))
    visit.write("grass")
    visit.page.get_by_role("button", name="Predict").click()

    assert "The service can't be reached" in visit.problem().inner_text()


def test_an_explanation_that_is_refused_leaves_the_answer(visit: Visit) -> None:
    visit.may_be_refused = True
    refusal = problem("overloaded", 503, "Too many wait.")
    visit.page.route("**/predict?*explain=true", lambda route: route.fulfill(status=503, json=refusal))
    visit.write("grass")

    assert visit.predict() == "green"
    assert "The service is busy" in visit.problem("#why-problem").inner_text()
    visit.page.unroute("**/predict?*explain=true")
    visit.page.get_by_role("button", name="Try again").click()
    visit.page.locator(".shares").wait_for()


def test_a_slow_answer_shows_progress_and_can_be_cancelled(visit: Visit) -> None:
    visit.may_be_refused = True
    visit.page.route("**/predict?*", lambda route: None)  # never answers
    visit.write("grass")
    visit.page.get_by_role("button", name="Predict").click()
    progress = visit.page.locator("#answer-progress .progress")
    progress.wait_for()
    assert re.search(r"Asking the model …\s*\d+\.\d s", progress.inner_text())
    progress.get_by_role("button", name="Cancel").click()

    assert "Cancelled" in visit.problem().inner_text()
    assert progress.count() == 0
