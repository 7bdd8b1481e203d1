"""`GET /healthz` and `GET /readyz`: alive from the start, ready when the models are."""

from __future__ import annotations

import threading
from pathlib import Path

from model.bundle import Bundle
from service.app import create_app
from service.settings import Settings
from tests.service.running import assert_problem, running, wait_until
from tests.service.stand_in import Namer, write_bundle


def test_while_models_load_the_service_is_alive_and_says_when_to_ask_again(models: Path) -> None:
    write_bundle(models)
    go_on = threading.Event()

    def load(bundle: Bundle) -> Namer:
        go_on.wait(10)
        return Namer(bundle)

    with running(create_app(Settings(models=models), load)) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        for response in (client.get("/readyz"), client.post("/predict", json={"text": "red"})):
            assert_problem(response, 503, "not-ready")
            assert int(response.headers["retry-after"]) > 0
        go_on.set()
        wait_until(lambda: client.get("/readyz").status_code == 200)

        assert client.get("/readyz").json() == {"status": "ready"}
        assert client.post("/predict", json={"text": "red"}).status_code == 200


def test_a_body_sent_before_the_service_is_ready_is_not_read(models: Path) -> None:
    go_on = threading.Event()
    write_bundle(models)
    app = create_app(Settings(models=models), lambda bundle: (go_on.wait(10), Namer(bundle))[1])

    with running(app) as client:
        response = client.post("/predict", content=b"not even JSON", headers={"Content-Type": "text/plain"})
        go_on.set()

    assert_problem(response, 503, "not-ready")
