"""Half of the clients go before their turn comes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from model.examples import DecodedExample
from tests.load.loads import request_of
from tests.service.running import serving, wait_until
from tests.service.stand_in import Namer, picture, write_bundle

pytestmark = pytest.mark.load

CALLERS = 400


def test_the_pictures_that_run_are_those_that_somebody_waits_for(tmp_path: Path) -> None:
    gate = threading.Event()
    ran: list[str] = []

    class Slow(Namer):
        def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
            gate.wait(60)
            time.sleep(0.002 * len(examples))
            ran.extend(str(example["text"]) for example in examples)
            return super().predict(examples)

    write_bundle(tmp_path / "models")
    with serving(tmp_path / "models", Slow, max_connections=2 * CALLERS) as client, ThreadPoolExecutor(16) as pool:
        first = pool.submit(client.post, "/predict", files={"image": picture()}, data={"text": "first"})
        wait_until(lambda: waiting(client) == 1)
        connections = [ask(client, f"caller {number}") for number in range(CALLERS)]
        wait_until(lambda: waiting(client) == CALLERS + 1)
        for gone in connections[::2]:
            gone.close()
        # Up to a batch is decoded ahead, and dropped when its turn comes.
        wait_until(lambda: waiting(client) <= CALLERS // 2 + 1 + 32)
        gate.set()
        answers = list(pool.map(answer, connections[1::2]))

        assert first.result(30).status_code == 200
    assert {one[:15] for one in answers} == {b"HTTP/1.1 200 OK"}
    assert sorted(ran) == sorted(["first", *(f"caller {number}" for number in range(1, CALLERS, 2))])


def waiting(client: httpx.Client) -> int:
    """Examples accepted and not yet answered."""
    metrics = client.get("/metrics").text
    return int(float(metrics.partition('bifocal_queue_length{model="colours",queue="predict"} ')[2].split("\n", 1)[0]))


def answer(connection: socket.socket) -> bytes:
    with connection:
        return connection.recv(65536)


def ask(client: httpx.Client, text: str) -> socket.socket:
    connection = socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=60)
    connection.sendall(request_of("POST", "/predict", files={"image": picture()}, data={"text": text}))
    return connection
