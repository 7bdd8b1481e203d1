"""Loads on a service: the generator started, its results read."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np


@dataclass(frozen=True)
class Results:
    """What became of the requests of a load.

    Args:
        seconds: that it was sent for.
        latency_s: of each request, float64 (requests,).
        status: of each request, 0 where no answer came, int (requests,).
    """

    seconds: float
    latency_s: np.ndarray
    status: np.ndarray

    def count(self, status: int) -> int:
        """How many answers had a status."""
        return int((self.status == status).sum())

    def goodput(self, within_s: float) -> float:
        """Right answers in time, a second."""
        return float(((self.status == 200) & (self.latency_s <= within_s)).sum()) / self.seconds

    def latency(self, quantile: float, status: int = 200) -> float:
        """Seconds within which so large a part of the answers of a status came."""
        return float(np.quantile(self.latency_s[self.status == status], quantile))

    def __str__(self) -> str:
        counts = {int(status): self.count(status) for status in np.unique(self.status)}
        times = [f"p{100 * q:g} {1000 * self.latency(q):.0f} ms" for q in (0.5, 0.99, 1)] if self.count(200) else []
        return f"{len(self.status)} requests in {self.seconds:g} s: {counts}; {', '.join(times)}"


class Sending:
    """A load that runs in a process of its own.

    Args:
        url: of the service.
        seconds: to send for.
        request: to send again and again.
        file: where the request is kept for the generator.
        rate: requests a second; None for a closed loop.
        clients: of a closed loop.
    """

    def __init__(
        self, url: str, seconds: float, request: bytes, file: Path, *, rate: float | None = None, clients: int = 1
    ) -> None:
        file.write_bytes(request)
        self._seconds = seconds
        how = ["--clients", str(clients)] if rate is None else ["--rate", str(rate)]
        command = [sys.executable, "-m", "tests.load.generator", url.rpartition(":")[2], str(seconds), str(file), *how]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])

    def results(self) -> Results:
        """Waits for its end."""
        output, _ = self._process.communicate(timeout=self._seconds + 120)
        assert self._process.returncode == 0
        rows = np.array(json.loads(output), float).reshape(-1, 3)
        return Results(self._seconds, rows[:, 1], rows[:, 2].astype(int))


def request_of(method: str, path: str, **content: object) -> bytes:
    """A whole request as it goes over the wire."""
    request = httpx.Request(method, f"http://127.0.0.1{path}", **content)  # type: ignore[arg-type]
    body = request.read()
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
