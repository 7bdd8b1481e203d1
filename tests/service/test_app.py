"""The application from its start to its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model.examples import DecodedExample
from service.app import create_app
from service.settings import Settings
from service.store import Store
from tests.service.running import running, serving, wait_until
from tests.service.stand_in import Namer, write_bundle


@pytest.mark.parametrize("fault", ["no model", "a bug"])
def test_if_nothing_can_be_loaded_the_service_is_told_to_stop(
    fault: str, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Buggy(Store):
        def load(self) -> None:
            raise RuntimeError("a bug")

    stopped = threading.Event()
    store = (Buggy if fault == "a bug" else Store)(models, Namer, max_batch_size=4)
    app = create_app(Settings(models=models), store, on_failed_start=stopped.set)
    with caplog.at_level(logging.ERROR, "bifocal"), running(app) as client:
        assert stopped.wait(10)
        assert client.get("/readyz").status_code == 503

    expected = f"There is no model in {models}" if fault == "no model" else "the models could not be loaded"
    assert caplog.messages[0].startswith(expected)


def test_the_threads_of_the_models_end_with_the_service(models: Path) -> None:
    write_bundle(models, "mugs", 7)
    with serving(models):
        assert "model-mugs-7" in [thread.name for thread in threading.enumerate()]

    assert "model-mugs-7" not in [thread.name for thread in threading.enumerate()]


def test_a_service_that_stops_answers_what_it_has_accepted(models: Path) -> None:
    is_busy, go_on = threading.Event(), threading.Event()

    class Slow(Namer):
        def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
            is_busy.set()
            go_on.wait(10)
            return super().predict(examples)

    write_bundle(models)
    store = Store(models, Slow, max_batch_size=4)
    with ThreadPoolExecutor(1) as caller, running(create_app(Settings(models=models), store)) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200)
        answer = caller.submit(client.post, "/predict", json={"text": "red"})
        assert is_busy.wait(10)
        threading.Timer(0.3, go_on.set).start()  # by then the service has been told to stop

    assert answer.result(timeout=10).status_code == 200
