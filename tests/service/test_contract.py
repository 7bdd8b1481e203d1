"""Every status of the contract, asked for as a client would; and that none is left out."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from model.examples import DecodedExample
from service.errors import PROBLEMS
from service.intake import keys
from tests.service.running import assert_problem, serving
from tests.service.stand_in import Namer, picture, write_bundle

LARGE = picture(size=(400, 300))


@dataclass(frozen=True)
class Row:
    """A request and what the contract says of it.

    Args:
        status: of the answer.
        kind: of the problem.
        path: asked for.
        method: GET or POST.
        content: what httpx is to send.
        right: of the key that is sent; None for no key.
    """

    status: int
    kind: str
    path: str = "/predict"
    method: str = "POST"
    content: dict[str, Any] = field(default_factory=lambda: {"json": {"text": "red"}})
    right: str | None = "predict"

    def __str__(self) -> str:
        return f"{self.status} {self.kind}"


JSON = {"Content-Type": "application/json"}
ACTIVATE = "/admin/models/colours/activate"
TABLE = [
    Row(400, "malformed", content={"content": b"{", "headers": JSON}),
    Row(401, "unauthorized", right=None),
    Row(403, "forbidden", path=ACTIVATE, content={"json": {"version": 1}}),
    Row(404, "not-found", path="/predict?model=cups"),
    Row(404, "not-found", path="/nowhere", method="GET", content={}),
    Row(405, "method-not-allowed", method="GET", content={}),
    Row(406, "not-acceptable", content={"json": {"text": "red"}, "headers": {"Accept": "text/html"}}),
    Row(409, "version-refused", path=ACTIVATE, content={"json": {"version": 2}}, right="admin"),
    Row(413, "too-large", content={"json": [{"text": "red"}] * 5}),
    Row(413, "image-too-large", content={"files": {"image": LARGE}}),
    Row(415, "media-type", content={"content": b"red", "headers": {"Content-Type": "text/plain"}}),
    Row(422, "invalid-request", content={"json": {"colour": "red"}}),
    Row(422, "image-unusable", content={"files": {"image": b"no picture"}}),
    # Long enough that the body is in before, also on a busy machine: a deadline that passes while it is read is a 408.
    Row(504, "deadline", path="/predict?timeout_ms=1000", content={"json": {"text": "slow"}}),
]
# Seen in tests of their own: what a connection does, and what a service is before and after its work.
ELSEWHERE = {"slow-body", "not-ready", "overloaded"}


class Slow(Namer):
    """Takes its time for one word."""

    def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
        if any(example.get("text") == "slow" for example in examples):
            threading.Event().wait(2)
        return super().predict(examples)


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """A service with keys, low limits and a broken second version; and a key for each right."""
    home = tmp_path_factory.mktemp("strict")
    file = home / "keys.json"
    made = {right: keys.add(file, right, (right,)) for right in ("predict", "admin")}
    write_bundle(home / "models")
    write_bundle(home / "models", version=2, offset=0.5)
    with serving(home / "models", Slow, keys=file, max_instances=4, max_pixels=10_000) as client:
        yield client, made


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_a_request_that_is_refused_is_told_so_as_the_contract_says(
    row: Row, strict: tuple[httpx.Client, dict[str, str]]
) -> None:
    client, made = strict
    content = {**row.content}
    headers = content.pop("headers", {}) | ({"X-API-Key": made[row.right]} if row.right else {})

    response = client.request(row.method, row.path, headers=headers, **content)

    assert_problem(response, row.status, row.kind)
    assert response.headers["x-request-id"]
    assert response.headers["x-content-type-options"] == "nosniff"


def test_no_problem_is_left_out() -> None:
    tried = {row.kind for row in TABLE} | ELSEWHERE

    assert {kind for _, kind, _ in PROBLEMS} <= tried


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/models"),
        ("GET", "/models/colours"),
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/v1/models/colours"),
        ("GET", "/v1/models/colours/versions/1/metadata"),
        ("GET", "/v2"),
        ("GET", "/v2/health/live"),
        ("GET", "/v2/health/ready"),
        ("GET", "/v2/models/colours/versions/1/ready"),
        ("POST", "/predict?model=colours&version=1&top_k=2&timeout_ms=9000&explain=true"),
    ],
)
def test_every_route_answers(method: str, path: str, strict: tuple[httpx.Client, dict[str, str]]) -> None:
    client, made = strict
    content = {"json": {"text": "red"}} if method == "POST" else {}

    response = client.request(method, path, headers={"Authorization": f"Bearer {made['predict']}"}, **content)

    assert response.status_code == 200, response.text


def test_a_key_with_the_right_activates_a_version(strict: tuple[httpx.Client, dict[str, str]]) -> None:
    client, made = strict

    response = client.post(ACTIVATE, json={"version": None}, headers={"X-API-Key": made["admin"]})

    assert (response.status_code, response.json()["version"]) == (200, 1)


def test_what_is_refused_before_the_routes_see_it_is_counted_with_its_route(
    strict: tuple[httpx.Client, dict[str, str]],
) -> None:
    client, made = strict
    key = {"X-API-Key": made["predict"]}
    client.post("/predict", json={"text": "red"})
    client.post(ACTIVATE, json={"version": 1}, headers=key)

    metrics = client.get("/metrics", headers=key).text
    assert 'bifocal_requests_total{method="POST",route="/predict",status="401"}' in metrics
    assert 'bifocal_requests_total{method="POST",route="/admin/models/{name}/activate",status="403"}' in metrics
