"""`GET /docs` and the document behind it."""

from __future__ import annotations

import re

import httpx

from tests.service.running import assert_problem


def test_the_page_takes_everything_from_this_server(stand_in_service: httpx.Client) -> None:
    page = stand_in_service.get("/docs")
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)|url: ["']([^"']+)""", page.text)

    assert page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    assert len(addresses) == 4  # style, icon, script, document
    for address in ("".join(groups) for groups in addresses):
        assert re.match(r"/[^/]", address)
        assert stand_in_service.get(address).status_code == 200
        assert stand_in_service.get(address).content


def test_the_style_sheet_loads_nothing_from_elsewhere(stand_in_service: httpx.Client) -> None:
    style = stand_in_service.get("/static-offline-docs/swagger-ui.css").text

    assert re.findall(r"@import|url\((?![\"']?data:)[^)]{0,80}", style) == []


def test_only_the_files_of_the_page_are_served(stand_in_service: httpx.Client) -> None:
    for path in (
        "/static-offline-docs/",
        "/static-offline-docs/%2e%2e/__init__.py",
        "/static-offline-docs/..%2f__init__.py",
        "/static-offline-docs/%00",
    ):
        assert_problem(stand_in_service.get(path), 404, "not-found")


def test_the_document_lists_every_route_and_names_no_foreign_address(stand_in_service: httpx.Client) -> None:
    response = stand_in_service.get("/openapi.json")

    ours = {path for path in response.json()["paths"] if not path.startswith(("/v1/", "/v2"))}
    assert ours == {
        "/predict",
        "/models",
        "/models/{name}",
        "/models/{name}/examples",
        "/admin/models/{name}/activate",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    assert "://" not in response.text


def test_the_document_shows_both_forms_of_a_request_and_the_form_of_an_error(stand_in_service: httpx.Client) -> None:
    operation = stand_in_service.get("/openapi.json").json()["paths"]["/predict"]["post"]

    assert operation["requestBody"]["content"].keys() == {"multipart/form-data", "application/json"}
    assert {one["name"] for one in operation["parameters"]} == {"model", "version", "top_k", "explain", "timeout_ms"}
    for status, answer in operation["responses"].items():
        assert answer["content"].keys() == {"application/json" if status == "200" else "application/problem+json"}
