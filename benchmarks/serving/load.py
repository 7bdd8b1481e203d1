"""Load from wrk: many clients that each send their next request when they have the answer to the one before."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.processes import Tree

_SCRIPT = Path(__file__).with_name("wrk.lua")
_MARK = "JSON "


@dataclass(frozen=True)
class Load:
    """What came of some seconds of load.

    Args:
        seconds: that were counted.
        latencies_s: of each answer with status 200.
        statuses: how many answers had which.
        errors: connections that broke, and answers that did not come in time.
        server_cpu_s: CPU seconds of the server meanwhile.
        client_cpu_s: those of wrk.
    """

    seconds: float
    latencies_s: Sequence[float]
    statuses: Mapping[str, int]
    errors: int
    server_cpu_s: float
    client_cpu_s: float

    @property
    def requests_per_s(self) -> float:
        return len(self.latencies_s) / self.seconds

    @property
    def cpu_s_per_request(self) -> float:
        return self.server_cpu_s / max(1, len(self.latencies_s))

    @property
    def client_cpu_s_per_request(self) -> float:
        return self.client_cpu_s / max(1, len(self.latencies_s))

    @property
    def failed(self) -> int:
        """Answers with another status than 200, and errors."""
        return self.errors + sum(count for status, count in self.statuses.items() if status != "200")

    def quantile_ms(self, percent: float) -> float:
        """Milliseconds within which so many of the right answers came; not a number without any."""
        return 1000 * float(np.percentile(self.latencies_s, percent)) if self.latencies_s else float("nan")


def wrk_binary() -> str:
    """The path of wrk.

    Raises:
        FileNotFoundError: if it is not installed.
    """
    found = shutil.which("wrk")
    if not found:
        raise FileNotFoundError("wrk is not installed. It makes the load: `apt-get install wrk`, `brew install wrk`.")
    return found


def write_requests(file: Path, requests: Sequence[bytes]) -> Path:
    """Requests as `wrk.lua` reads them: each after a line with its length."""
    with file.open("wb") as stream:
        for request in requests:
            stream.write(f"{len(request)}\n".encode() + request)
    return file


def load(
    requests: Path, *, port: int, clients: int, seconds: float, warm_up_s: float, cpu_s: Callable[[], float]
) -> Load:
    """Loads a server.

    What is counted is the middle of it: what was answered from `warm_up_s` on, and the CPU seconds of that time, so
    that what the first clients met and what was broken off in the end is not in it.

    Args:
        requests: file of `write_requests`.
        port: of 127.0.0.1.
        clients: at once.
        seconds: that are counted.
        warm_up_s: seconds before.
        cpu_s: gives the CPU seconds that the server has used so far.

    Raises:
        RuntimeError: if wrk fails.
    """
    begin = time.monotonic() + warm_up_s
    command = [wrk_binary(), f"-t{clients}", f"-c{clients}", "-d600s", "--timeout", "120s", "-s", str(_SCRIPT)]
    command += [f"http://127.0.0.1:{port}/", "--", str(requests), repr(begin), repr(begin + seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    try:
        _sleep_until(begin)
        client = Tree(process.pid)
        server_before, client_before = cpu_s(), client.cpu_s()
        _sleep_until(begin + seconds)
        server_cpu_s, client_cpu_s = cpu_s() - server_before, client.cpu_s() - client_before
        process.send_signal(signal.SIGINT)  # wrk then says what it has
        text, _ = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    found = read_output(text)
    return Load(
        seconds=seconds,
        latencies_s=found["latencies"],
        statuses=found["statuses"],
        errors=found["errors"],
        server_cpu_s=server_cpu_s,
        client_cpu_s=client_cpu_s,
    )


def read_output(text: str) -> dict:
    """What `wrk.lua` printed among what wrk prints itself.

    Raises:
        RuntimeError: if it is not there.
    """
    for line in text.splitlines():
        if line.startswith(_MARK):
            return json.loads(line.removeprefix(_MARK))
    raise RuntimeError(f"wrk did not say what it counted; it printed:\n{text[-2000:]}")


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
