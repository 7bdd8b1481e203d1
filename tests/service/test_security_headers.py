"""What a browser is told not to do with an answer."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from service.app import create_app
from service.intake.security_headers import SecurityHeaders
from service.settings import Settings
from tests.service.running import ask
from tests.service.stand_in import Namer


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse("page", headers={"X-Frame-Options": "SAMEORIGIN"} if request.url.path == "/framed" else None)


APP = SecurityHeaders(Starlette(routes=[Route("/{path:path}", page)]))


@pytest.mark.parametrize("path", ["/", "/predict", "/static/page.js", "/docsx"])
def test_nothing_but_files_of_the_service_runs_in_a_page_and_no_other_page_holds_it(path: str) -> None:
    headers = ask(APP, path=path).headers  # type: ignore[arg-type]

    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


def test_a_header_that_the_answer_has_is_left_alone() -> None:
    assert ask(APP, path="/framed").headers.get_list("x-frame-options") == ["SAMEORIGIN"]  # type: ignore[arg-type]


def test_the_documentation_may_run_the_script_in_its_page_and_needs_nothing_from_elsewhere() -> None:
    response = ask(create_app(Settings(), Namer), path="/docs")

    policy = response.headers["content-security-policy"]
    assert "script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';" in policy
    assert "<script>" in response.text  # else it needs no policy of its own
    assert all(link.startswith("/") for link in re.findall(r'(?:src|href)="([^"]+)"', response.text))
