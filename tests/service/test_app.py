"""The application from its start to its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.bundle import Bundle
from model.examples import DecodedExample
from service.app import create_app
from service.intake import keys
from service.settings import Settings
from tests.service.running import assert_problem, running, serving, wait_until
from tests.service.stand_in import Namer, write_bundle


@pytest.mark.parametrize("fault", ["no model", "a bug"])
def test_if_nothing_can_be_loaded_the_service_is_told_to_stop(
    fault: str, models: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = threading.Event()
    app = create_app(Settings(models=models), Namer, on_failed_start=stopped.set)
    if fault == "a bug":
        monkeypatch.setattr(app.state.store, "load", lambda: 1 / 0)
    with caplog.at_level(logging.ERROR, "bifocal"), running(app) as client:
        assert stopped.wait(10)
        assert client.get("/readyz").status_code == 503

    expected = f"There is no model in {models}" if fault == "no model" else "the models could not be loaded"
    assert caplog.messages[0].startswith(expected)


def test_the_threads_of_the_models_end_with_the_service(models: Path) -> None:
    before = set(threading.enumerate())
    write_bundle(models, "mugs", 7)
    with serving(models):
        assert {"model-mugs-7-0", "explain-mugs-7-0"} <= {thread.name for thread in threading.enumerate()}

    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert [name for name in left if "mugs" in name or name.startswith(("decode", "watch", "put"))] == []


def test_a_service_that_is_told_to_end_while_it_loads_gets_neither_ready_nor_watches(models: Path) -> None:
    begun, may_end = threading.Event(), threading.Event()
    told: list[str] = []

    class Slow(Namer):
        def __init__(self, bundle: Bundle) -> None:
            begun.set()
            assert may_end.wait(30)
            super().__init__(bundle)

    for name in ("cups", "mugs"):
        write_bundle(models, name)
    settings = Settings(models=models)
    told_ready, told_failed = partial(told.append, "ready"), partial(told.append, "failed")
    app = create_app(settings, Slow, on_ready=told_ready, on_failed_start=told_failed)
    before = set(threading.enumerate())
    with running(app) as client:
        assert begun.wait(30)
        app.state.store.is_draining = True
        may_end.set()
        wait_until(lambda: not any(thread.name.startswith("start") for thread in set(threading.enumerate()) - before))
        assert client.get("/readyz").status_code == 503
        assert "watch-models" not in {thread.name for thread in set(threading.enumerate()) - before}

    assert told == []


def test_a_service_that_stops_answers_what_it_has_accepted(models: Path) -> None:
    is_busy, go_on = threading.Event(), threading.Event()

    class Slow(Namer):
        def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
            is_busy.set()
            go_on.wait(10)
            return super().predict(examples)

    write_bundle(models)
    with ThreadPoolExecutor(1) as caller, running(create_app(Settings(models=models), Slow)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        answer = caller.submit(client.post, "/predict", json={"text": "red"})
        assert is_busy.wait(10)
        threading.Timer(0.3, go_on.set).start()  # by then the service has been told to stop

    assert answer.result(timeout=10).status_code == 200


def test_an_unexpected_error_says_nothing_of_itself_and_the_connection_lives_on(
    models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_bundle(models)
    app = create_app(Settings(models=models), Namer)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("a secret")

    with running(app) as client:
        answers = [client.get("/broken", headers={"X-Request-ID": "abc"}) for _ in range(2)]  # over one connection

    for answer in answers:
        problem = assert_problem(answer, 500, "internal")
        assert (problem["detail"], answer.headers["x-request-id"]) == (
            "Something went wrong here; the log says what.",
            "abc",
        )
    assert "request abc: an unexpected error" in caplog.text
    assert "a secret" in caplog.text


def test_a_service_that_is_about_to_end_is_not_ready_and_closes_its_connections(models: Path) -> None:
    write_bundle(models)
    app = create_app(Settings(models=models), Namer)
    with running(app) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        assert "connection" not in client.get("/healthz").headers
        app.state.store.is_draining = True

        detail = assert_problem(client.get("/readyz"), 503, "not-ready")["detail"]
        answer = client.post("/predict", json={"text": "red"})
    assert detail == "The service is about to end; ask another."
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_browsers_may_ask_from_the_origins_that_are_set_and_no_other(models: Path) -> None:
    write_bundle(models)
    with serving(models, cors_origins="https://shop.example, https://other.example") as client:
        preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "X-API-Key"}
        allowed = client.options("/predict", headers=preflight | {"Origin": "https://other.example"})
        refused = client.options("/predict", headers=preflight | {"Origin": "https://evil.example"})

    assert allowed.headers["access-control-allow-origin"] == "https://other.example"
    assert "access-control-allow-origin" not in refused.headers


def test_what_get_is_for_head_is_for_too(models: Path) -> None:
    write_bundle(models)
    with serving(models) as client:
        for path in ("/healthz", "/readyz", "/models", "/docs"):
            head, get = client.head(path), client.get(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == get.headers["content-length"]
        assert client.head("/predict").status_code == 405


def test_the_root_is_the_page_and_no_slash_leads_elsewhere(models: Path) -> None:
    write_bundle(models)
    with serving(models) as client:
        assert "<title>Bifocal</title>" in client.get("/").text
        assert_problem(client.get("/models/", headers={"Host": "evil.example"}), 404, "not-found")


def test_the_document_says_how_a_key_is_sent_where_one_is_needed(models: Path, tmp_path: Path) -> None:
    keys.add(tmp_path / "keys.json", "shop", ("predict",))
    with_keys = create_app(Settings(models=models, keys=tmp_path / "keys.json"), Namer).openapi()
    without = create_app(Settings(models=models), Namer).openapi()

    assert with_keys["components"]["securitySchemes"].keys() == {"bearer", "header"}
    assert with_keys["security"] == [{"bearer": []}, {"header": []}]
    assert "security" not in without
