"""`POST /admin/models/{name}/activate`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx
import pytest
from fastapi import FastAPI

from model.bundle import Bundle
from service import errors
from service.routes import admin
from service.routes import models as models_route
from service.settings import Settings
from service.store.choices import MAX_WAITING
from tests.service.answerer import Answerer, answer_of, loaded_store, states_of
from tests.service.running import ask, assert_problem
from tests.service.stand_in import write_bundle

PATH = "/admin/models/colours/activate"


class Held:
    """Loads version 1 when it is told to; keeps what it loaded."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.may_end = threading.Event()

    def __call__(self, bundle: Bundle) -> Answerer:
        self.opened.append(bundle.path.name)
        assert bundle.path.name != "1" or self.may_end.wait(30)
        return Answerer(bundle)


@pytest.fixture
def held() -> Iterator[Held]:
    """What loads the bundles; at the end it holds none back."""
    held = Held()
    yield held
    held.may_end.set()


@pytest.fixture
def asked(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The versions that the store was asked for, each once it has taken that up."""
    asked: list[int | None] = []
    ask_for = app.state.store.ask_for

    def noted(name: str, version: int | None) -> Any:
        answer = ask_for(name, version)
        asked.append(version)
        return answer

    monkeypatch.setattr(app.state.store, "ask_for", noted)
    return asked


async def until_all_wait(asked: list[int | None]) -> None:
    while len(asked) < MAX_WAITING:
        await asyncio.sleep(0.01)


@pytest.fixture
def app(models: Path, held: Held) -> FastAPI:
    """The route with versions 1 and 2 of `colours`; 3 is on disk and broken."""
    write_bundle(models, version=1)
    write_bundle(models, version=2)
    held.may_end.set()
    app = FastAPI()
    app.include_router(admin.router)
    app.include_router(models_route.router)
    app.state.settings = Settings(models=models)
    app.state.store = loaded_store(models, held)
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


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service", timeout=30)


def test_many_who_ask_for_the_same_version_share_one_load(app: FastAPI, held: Held, asked: list[int | None]) -> None:
    held.may_end.clear()

    async def ask_together() -> list[httpx.Response]:
        async with asyncio.timeout(10), client_of(app) as client:
            waiting = [asyncio.ensure_future(client.post(PATH, json={"version": 1})) for _ in range(MAX_WAITING)]
            await until_all_wait(asked)
            held.may_end.set()
            return await asyncio.gather(*waiting)

    answers = asyncio.run(ask_together())

    assert [answer.status_code for answer in answers] == [200] * MAX_WAITING
    assert held.opened == ["2", "1"]


def test_those_who_wait_for_a_load_are_not_too_many_and_hold_up_nobody(
    app: FastAPI, held: Held, asked: list[int | None]
) -> None:
    held.may_end.clear()

    async def ask_together() -> tuple[httpx.Response, httpx.Response, float, list[httpx.Response]]:
        async with asyncio.timeout(10), client_of(app) as client:
            waiting = [asyncio.ensure_future(client.post(PATH, json={"version": 1})) for _ in range(MAX_WAITING)]
            while states_of(app.state.store)[1] != "loading" or len(held.opened) < 2:
                await asyncio.sleep(0.01)
            await until_all_wait(asked)
            refused = await client.post(PATH, json={"version": 3})
            threads = anyio.to_thread.current_default_thread_limiter().borrowed_tokens
            rolled_back = await client.post(PATH, json={"version": 2})
            held.may_end.set()
            return refused, rolled_back, threads, await asyncio.gather(*waiting)

    refused, rolled_back, threads, answers = asyncio.run(ask_together())

    document = assert_problem(refused, 503, "overloaded")
    assert document["detail"] == "16 activations wait for versions to be loaded already; ask again in a moment."
    assert refused.headers["retry-after"] == "5"
    assert threads == 0  # of those that uploads and the metrics need too
    assert rolled_back.json()["version"] == 2
    details = {assert_problem(answer, 409, "version-refused")["detail"] for answer in answers}
    assert details == {"Another version of model 'colours' was asked for while 1 was being loaded."}
    assert held.opened == ["2", "1"]  # what nobody wants any more is not begun


def test_a_refused_wish_does_not_count_as_the_last_word(app: FastAPI, held: Held, asked: list[int | None]) -> None:
    held.may_end.clear()

    async def ask_together() -> tuple[httpx.Response, list[httpx.Response]]:
        async with asyncio.timeout(10), client_of(app) as client:
            waiting = [asyncio.ensure_future(client.post(PATH, json={"version": 1})) for _ in range(MAX_WAITING)]
            await until_all_wait(asked)
            refused = await client.post(PATH, json={"version": 3})
            held.may_end.set()
            return refused, await asyncio.gather(*waiting)

    refused, answers = asyncio.run(ask_together())

    assert refused.status_code == 503
    assert {answer.status_code for answer in answers} == {200}
