"""New versions, and the end, while requests come in."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from model.bundle import publish
from tests.integration.server import started
from tests.service.running import wait_until
from tests.service.stand_in import picture

pytestmark = pytest.mark.load

RELOADS_UNDER_LOAD, RELOADS = 30, 50
FORM = {"files": {"image": ("a.png", picture((220, 30, 30)))}, "data": {"text": "a tomato number 0"}}


@dataclass
class Callers:
    """Callers that ask a service one request after the other until they are stopped.

    Args:
        url: of the service.
    """

    url: str
    stop: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[int, int, float]] = field(default_factory=list)  # status, version, probability
    failures: list[str] = field(default_factory=list)

    def ask_on(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not self.stop.is_set():
                try:
                    answer = client.post("/predict", **FORM)
                except httpx.ConnectError:
                    return  # not accepted, so not lost
                except httpx.TransportError as error:
                    self.failures.append(repr(error))
                    return
                self.answers.append(_read(answer))


def _read(answer: httpx.Response) -> tuple[int, int, float]:
    if answer.status_code != 200:
        return answer.status_code, 0, 0.0
    content = answer.json()
    return 200, content["model"]["version"], content["predictions"][0]["heads"]["colour"]["probabilities"]["red"]


def active(url: str) -> int:
    """The version that answers."""
    versions = httpx.get(f"{url}/models/tiny").json()["versions"]
    return int(next(one["version"] for one in versions if one["state"] == "ready"))


@pytest.mark.timeout(900)
def test_reloads_under_load_lose_nothing_and_memory_stays_level(
    two_bundles: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tmp_path / "models"
    bundles = itertools.cycle(two_bundles)
    publish(next(bundles), models, "tiny")
    resident = {}
    with started(models, tmp_path / "log.txt", poll_s=0.1) as service, ThreadPoolExecutor(4) as pool:
        callers = Callers(service.url)
        asking = [pool.submit(callers.ask_on) for _ in range(4)]
        for version in range(2, RELOADS + 2):
            publish(next(bundles), models, "tiny")
            wait_until(lambda version=version: active(service.url) == version)  # type: ignore[misc]
            if version - 1 == RELOADS_UNDER_LOAD:
                callers.stop.set()
                [one.result(30) for one in asking]
            if version - 1 in (5, RELOADS_UNDER_LOAD, RELOADS):
                resident[version - 1] = service.resident_bytes()
            shutil.rmtree(models / "tiny" / str(version - 2), ignore_errors=True)

    with capsys.disabled():
        told = {reloads: f"{size / 2**20:.0f} MiB" for reloads, size in resident.items()}
        print(f"\n{len(callers.answers)} answers during {RELOADS_UNDER_LOAD} reloads; resident after: {told}")
    assert callers.failures == []
    assert {status for status, _, _ in callers.answers} == {200}
    assert len({version for _, version, _ in callers.answers}) > RELOADS_UNDER_LOAD // 2
    for parity in (0, 1):  # what a version answers is what its bundle says
        said = [probability for _, version, probability in callers.answers if version % 2 == parity]
        assert max(said) - min(said) < 1e-5
    assert resident[RELOADS] <= 1.1 * resident[5]


def test_told_to_end_under_load_it_answers_all_it_accepted(two_bundles: tuple[Path, Path], tmp_path: Path) -> None:
    models, log = tmp_path / "models", tmp_path / "log.txt"
    publish(two_bundles[0], models, "tiny")
    with started(models, log, drain_pause_s=1) as service, ThreadPoolExecutor(8) as pool:
        callers = Callers(service.url)
        asking = [pool.submit(callers.ask_on) for _ in range(8)]
        time.sleep(2)
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{service.url}/readyz").status_code == 503)
        callers.stop.set()  # as a balancer does that has asked /readyz
        [one.result(30) for one in asking]

        assert service.process.wait(30) == 0
    assert callers.failures == []
    assert {status for status, _, _ in callers.answers} == {200}
    assert logged(log) == len(callers.answers)


def test_without_a_pause_too_every_request_that_was_accepted_is_answered(
    two_bundles: tuple[Path, Path], tmp_path: Path
) -> None:
    models, log = tmp_path / "models", tmp_path / "log.txt"
    publish(two_bundles[0], models, "tiny")
    with started(models, log) as service, ThreadPoolExecutor(8) as pool:
        callers = Callers(service.url)
        asking = [pool.submit(callers.ask_on) for _ in range(8)]
        time.sleep(2)
        service.process.send_signal(signal.SIGTERM)
        [one.result(30) for one in asking]

        assert service.process.wait(30) == 0
    assert {status for status, _, _ in callers.answers} == {200}
    # Those that failed were on their way when the connection closed: the service never had them, as its log shows.
    assert logged(log) == len(callers.answers)


def logged(log: Path) -> int:
    """Answered requests in the log."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return sum(line["route"] == "/predict" and line["status"] == 200 for line in lines)
