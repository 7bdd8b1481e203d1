"""`POST /admin/models/{name}/activate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from service import errors
from service.routes import admin
from service.routes import models as models_route
from service.settings import Settings
from tests.service.answerer import answer_of, loaded_store
from tests.service.running import ask, assert_problem
from tests.service.stand_in import write_bundle

PATH = "/admin/models/colours/activate"


@pytest.fixture
def app(models: Path) -> FastAPI:
    """The route with versions 1 and 2 of `colours`; 3 is on disk and broken."""
    write_bundle(models, version=1)
    write_bundle(models, version=2)
    app = FastAPI()
    app.include_router(admin.router)
    app.include_router(models_route.router)
    app.state.settings = Settings(models=models)
    app.state.store = loaded_store(models)
    errors.install(app)
    write_bundle(models, version=3, offset=0.5)
    return app


def test_a_version_is_activated_and_the_pin_lifted_again(app: FastAPI) -> None:
    answer = ask(app, "POST", PATH, json={"version": 1})
    assert answer.status_code == 200
    assert answer.json() == {
        "model": "colours",
        "version": 1,
        "previous": 2,
        "pinned": True,
        "saved": True,
        "reason": None,
    }
    assert answer_of(app.state.store) == 1
    assert ask(app, path="/models/colours").json()["pinned"] == 1

    lifted = ask(app, "POST", PATH, json={"version": None}).json()
    assert (lifted["version"], lifted["previous"], lifted["pinned"]) == (2, 1, False)
    assert ask(app, path="/models/colours").json()["pinned"] is None


def test_a_version_that_can_t_be_served_is_a_conflict(app: FastAPI) -> None:
    document = assert_problem(ask(app, "POST", PATH, json={"version": 3}), 409, "version-refused")

    assert "Version 3 of model 'colours' can't be served: " in document["detail"]
    assert answer_of(app.state.store) == 2


def test_an_unknown_model_or_version_is_not_found(app: FastAPI) -> None:
    document = assert_problem(ask(app, "POST", PATH, json={"version": 9}), 404, "not-found")
    assert document["detail"] == "Model 'colours' has no version 9. Valid: 1, 2, 3."
    document = assert_problem(ask(app, "POST", "/admin/models/colors/activate", json={"version": 1}), 404, "not-found")
    assert document["detail"] == "No model 'colors'; did you mean 'colours'? Valid: colours."


@pytest.mark.parametrize(
    ("body", "status", "kind", "detail"),
    [
        (b'{"version": ', 400, "malformed", "The body is not JSON"),
        (b"", 400, "malformed", "The body is not JSON"),
        (b"{}", 422, "invalid-request", "body.version: missing"),
        (b"3", 422, "invalid-request", 'Expected an object: {"version": 3}'),
        (b'{"version": "3"}', 422, "invalid-request", "body.version: "),
        (b'{"version": 3.0}', 422, "invalid-request", "body.version: "),
        (b'{"version": true}', 422, "invalid-request", "body.version: "),
        (b'{"version": -1}', 422, "invalid-request", "body.version: "),
        (b'{"version": 1, "force": true}', 422, "invalid-request", "unknown key 'force'"),
        (b'{"version": 1, "version": 2}', 400, "malformed", "the key 'version' twice"),
        (b"[" * 100, 400, "malformed", "The body is not JSON"),
        (b'{"version": %d}' % 10**400, 422, "invalid-request", "body.version: "),
    ],
)
def test_a_wrong_body_is_refused_in_words(body: bytes, status: int, kind: str, detail: str, app: FastAPI) -> None:
    answer = ask(app, "POST", PATH, content=body, headers={"Content-Type": "application/json"})

    assert detail in assert_problem(answer, status, kind)["detail"]
    assert answer_of(app.state.store) == 2


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_only_json_is_taken(media_type: str, app: FastAPI) -> None:
    answer = ask(app, "POST", PATH, content=b'{"version": 1}', headers={"Content-Type": media_type})

    assert assert_problem(answer, 415, "media-type")["detail"] == f"Expected application/json. Received: {media_type}."


def test_an_activation_that_can_t_be_saved_says_so(app: FastAPI, models: Path) -> None:
    (models / ".state").touch()
    answer: dict[str, Any] = ask(app, "POST", PATH, json={"version": 1}).json()

    assert (answer["version"], answer["saved"]) == (1, False)
    assert answer["reason"].startswith("The state directory can't be written (")
    assert str(models) not in answer["reason"]
