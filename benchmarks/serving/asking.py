"""One request over a connection of its own: until a server answers at all, and to see what it answers."""

from __future__ import annotations

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from benchmarks.serving.pictures import Asked
from benchmarks.serving.wires import Answer, Wire

_CLIENTS = 16


def ask(request: bytes, *, port: int, timeout_s: float = 60) -> Answer:
    """The answer to a whole request.

    Raises:
        OSError, http.client.HTTPException: if none comes.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())


def largest_difference(wire: Wire, asked: list[Asked], expected: NDArray[np.float32], *, port: int) -> float:
    """How far a server's probabilities are from those expected, with many requests at once, each asked twice.

    Args:
        wire: the server's.
        asked: what it is asked.
        expected: float32 (asked, labels).
        port: where it listens.

    Raises:
        ValueError: if it answers with something else than status 200, or with other labels.
    """
    requests = [wire.request(one, port=port) for one in asked]

    def difference(row: int) -> float:
        answer = ask(requests[row], port=port)
        if answer.status != 200:
            raise ValueError(f"status {answer.status}: {answer.body[:300]!r}")
        found = np.array(wire.probabilities(answer), np.float32)
        if found.shape != expected[row].shape:
            raise ValueError(f"{found.size} probabilities of {expected[row].size}: {answer.body[:300]!r}")
        return float(np.abs(found - expected[row]).max())

    with ThreadPoolExecutor(_CLIENTS) as pool:
        # Not Python's max, which passes over what is not a number.
        return float(np.max(list(pool.map(difference, [*range(len(asked)), *range(len(asked))]))))
