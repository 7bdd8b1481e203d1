"""A service in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Started:
    """A service that runs.

    Args:
        url: its address.
        process: that it runs in.
    """

    url: str
    process: subprocess.Popen[bytes]

    def resident_bytes(self) -> int:
        """Memory of the process that is in RAM."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def started(models: Path, log: Path, *, start_s: float = 240, **settings: object) -> Iterator[Started]:
    """`bifocal-service serve` on a free port, once it is ready; ended with the context if it has not ended before.

    Args:
        models: the folder it serves.
        log: where its output goes.
        start_s: seconds it may take to get ready.
        **settings: for its environment, `poll_s=0.2` as BIFOCAL_POLL_S.
    """
    port = free_port()
    command = [sys.executable, "-m", "service", "serve", str(models), "--port", str(port)]
    environment = {f"BIFOCAL_{name.upper()}": str(value) for name, value in settings.items()}
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=os.environ | environment)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + start_s
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the service did not get ready:\n{log.read_text()}")
            time.sleep(0.2)
        yield Started(url, process)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


@contextmanager
def serving(models: Path, log: Path, **settings: object) -> Iterator[str]:
    """The same; gives its address alone."""
    with started(models, log, **settings) as service:
        yield service.url


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False
