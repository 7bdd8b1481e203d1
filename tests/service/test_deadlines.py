"""Requests that come late, wait too long, go away, or are too many."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from model.examples import DecodedExample
from tests.service.running import assert_problem, serving, wait_until
from tests.service.stand_in import Namer, write_bundle


class Gated(Namer):
    """Holds every batch until its gate is open; keeps the words of what it ran."""

    gate: threading.Event
    ran: list[str]

    def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
        self.ran.extend(str(example.get("text")) for example in examples)
        self.gate.wait(20)
        return super().predict(examples)


@contextmanager
def gated(models: Path, **settings: Any) -> Iterator[tuple[httpx.Client, type[Gated], ThreadPoolExecutor]]:
    class Runtime(Gated):
        gate = threading.Event()
        ran: list[str] = []  # noqa: RUF012  (of this service alone)

    write_bundle(models)
    with serving(models, Runtime, **settings) as client, ThreadPoolExecutor(20) as callers:
        try:
            yield client, Runtime, callers
        finally:
            Runtime.gate.set()


def send(client: httpx.Client, raw: bytes) -> socket.socket:
    address = client.base_url.host, client.base_url.port or 80
    connection = socket.create_connection(address, timeout=10)
    connection.sendall(raw)
    return connection


def raw_request(text: str, query: str = "", *, missing: int = 0) -> bytes:
    body = json.dumps({"text": text}).encode()
    head = f"POST /predict{query} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body[: len(body) - missing]


def test_an_answer_that_is_not_there_in_time_is_a_504_and_what_waited_is_not_run(models: Path) -> None:
    with gated(models, max_batch_size=1) as (client, runtime, callers):
        first = callers.submit(client.post, "/predict", json={"text": "first"})
        wait_until(lambda: runtime.ran == ["first"])
        late = client.post("/predict?timeout_ms=1000", json={"text": "late"})
        runtime.gate.set()

        detail = assert_problem(late, 504, "deadline")["detail"]
        assert detail.startswith("The deadline passed before the answer was there.")
        assert first.result(10).status_code == 200
        assert client.post("/predict", json={"text": "after"}).status_code == 200
    assert runtime.ran == ["first", "after"]


def test_the_deadline_is_a_setting_where_a_request_says_nothing(models: Path) -> None:
    with gated(models, timeout_ms=1000) as (client, _, _):
        assert_problem(client.post("/predict", json={"text": "red"}), 504, "deadline")


def test_a_body_that_does_not_come_is_a_408_at_the_deadline(stand_in_service: httpx.Client) -> None:
    begun = time.monotonic()
    with send(stand_in_service, raw_request("red", "?timeout_ms=300", missing=3)) as connection:
        answer = connection.recv(65536)

    assert b" 408 " in answer.splitlines()[0]
    assert b"urn:bifocal:problem:slow-body" in answer
    assert 0.25 < time.monotonic() - begun < 5


def test_who_hangs_up_is_not_run(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    with gated(models, max_batch_size=1) as (client, runtime, callers):
        first = callers.submit(client.post, "/predict", json={"text": "first"})
        wait_until(lambda: runtime.ran == ["first"])
        gone = [send(client, raw_request(f"gone {n}")) for n in range(5)]
        stayed = callers.submit(client.post, "/predict", json={"text": "stayed"})
        wait_until(lambda: 'bifocal_queue_length{model="colours",queue="predict"} 7.0' in client.get("/metrics").text)
        for connection in gone:
            connection.close()
        wait_until(lambda: 'bifocal_queue_length{model="colours",queue="predict"} 3.0' in client.get("/metrics").text)
        runtime.gate.set()

        assert (first.result(10).status_code, stayed.result(10).status_code) == (200, 200)
    assert sorted(runtime.ran) == ["first", "stayed"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_beyond_what_may_wait_is_a_503_that_says_when_to_come_back(models: Path) -> None:
    with gated(models, max_waiting=2, max_instances=2, max_batch_size=1) as (client, runtime, callers):
        accepted = [callers.submit(client.post, "/predict", json={"text": str(n)}) for n in range(2)]
        wait_until(lambda: 'bifocal_queue_length{model="colours",queue="predict"} 2.0' in client.get("/metrics").text)
        refused = client.post("/predict", content=b"not even JSON", headers={"Content-Type": "application/json"})
        runtime.gate.set()

        assert "2 examples are waiting for the model" in assert_problem(refused, 503, "overloaded")["detail"]
        assert int(refused.headers["retry-after"]) >= 1
        assert [one.result(10).status_code for one in accepted] == [200, 200]


def test_a_model_that_raises_is_a_500_of_its_batch_alone(models: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Picky(Namer):
        def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
            if any("13" in str(example.get("text")) for example in examples):
                raise RuntimeError("secret of /home/someone")
            return super().predict(examples)

    write_bundle(models)
    with serving(models, Picky, max_batch_size=1) as client:
        statuses = [client.post("/predict", json={"text": str(n)}).status_code for n in (12, 13, 14)]
        problem = assert_problem(client.post("/predict", json={"text": "13"}), 500, "internal")

    assert statuses == [200, 500, 200]
    assert problem["detail"] == "Something went wrong here; the log says what."
    assert "secret of /home/someone" in caplog.text


def test_results_are_not_mixed_up_between_callers(stand_in_service: httpx.Client) -> None:
    def ask(n: int) -> list[str]:
        colours = [("red", "green", "blue")[(n + k) % 3] for k in range(n % 4 + 1)]
        answer = stand_in_service.post("/predict", json=[{"text": colour} for colour in colours]).json()
        assert [one["heads"]["colour"]["label"] for one in answer["predictions"]] == colours
        return colours

    with ThreadPoolExecutor(16) as callers:
        assert len(list(callers.map(ask, range(200)))) == 200
