"""`GET /` and the files of the page."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import httpx
import pytest

from service.app import create_app
from service.errors import PROBLEMS
from service.page.files import files
from service.settings import Settings
from tests.service.running import ask, assert_problem
from tests.service.stand_in import Namer

STATIC = Path(__file__).parents[2] / "service" / "page" / "static"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/page/index.html", "text/html; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/layout.css", "text/css; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ],
)
def test_each_file_is_sent_as_what_it_is(path: str, media_type: str, stand_in_service: httpx.Client) -> None:
    answer = stand_in_service.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.content == (STATIC / (path.removeprefix("/page/").strip("/") or "index.html")).read_bytes()


def test_a_browser_that_has_a_file_is_not_sent_it_again(stand_in_service: httpx.Client) -> None:
    etag = stand_in_service.get("/page/main.js").headers["etag"]
    again = stand_in_service.get("/page/main.js", headers={"If-None-Match": f'"other", W/{etag}'})
    other = stand_in_service.get("/page/main.js", headers={"If-None-Match": '"other"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert other.status_code == 200


@pytest.mark.parametrize("name", ["missing.js", "..%2Ffiles.py", "%2e%2e%2fpage.py", "files.py", ".", "main.js%00"])
def test_no_other_file_is_sent(name: str, stand_in_service: httpx.Client) -> None:
    assert_problem(stand_in_service.get(f"/page/{name}"), 404, "not-found")


def test_the_page_is_sent_while_the_models_are_still_loaded() -> None:
    assert ask(create_app(Settings(), Namer), path="/").status_code == 200


def test_all_that_the_page_refers_to_is_there_and_nothing_is_elsewhere() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")
    referred = set(re.findall(r'(?:src|href)="page/([^"]+)"', html))
    for script in STATIC.glob("*.js"):
        referred |= set(re.findall(r'from "\./([^"]+)"', script.read_text(encoding="utf-8")))
    addresses = [
        address
        for file in STATIC.iterdir()
        for address in re.findall(r"https?://[^\s\"'`]+", file.read_text(encoding="utf-8"))
    ]

    assert referred == files().keys() - {"index.html"}  # none is missing, and none is left over
    assert set(addresses) == {"http://www.w3.org/2000/svg"}  # the name of a namespace, which nobody asks for


def test_the_page_has_no_script_style_or_listener_within_it() -> None:
    html = (STATIC / "index.html").read_text(encoding="utf-8")

    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", html) == []
    assert re.findall(r"<script[^>]*>([^<]+)</script>", html) == []
    scripts = "".join(file.read_text(encoding="utf-8") for file in STATIC.glob("*.js"))
    assert re.findall(r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b", scripts) == []


def known() -> set[str]:
    """The problems that the page has words for."""
    text = resources.files("service.page").joinpath("static", "problems.js").read_text(encoding="utf-8")
    return set(re.findall(r'^  "([\w-]+)": \["', text, re.MULTILINE))


def test_the_page_has_words_for_every_problem_of_the_service() -> None:
    table = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")
    rows = [line for line in table.splitlines() if re.match(r"\| [45]\d\d", line)]

    assert {kind for _, kind, _ in PROBLEMS} <= known()
    assert {kind for row in rows for kind in re.findall(r"`([\w-]+)`", row.split("|")[2])} <= known()
