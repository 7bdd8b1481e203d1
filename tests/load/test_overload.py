"""Three times as many requests as the service can answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.server import started
from tests.load.loads import Sending, request_of

pytestmark = pytest.mark.load

TIMEOUT_MS = 1000
# What the way over loopback, and a client on the same two CPUs, add to what the service sees.
LATE_S = 0.25


def test_three_times_the_capacity_neither_lowers_goodput_nor_delays_the_probes(
    heavy_models: Path, photo: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    form = {"files": {"image": ("a.jpg", photo)}, "data": {"text": "a tomato"}}
    ask = request_of("POST", f"/predict?timeout_ms={TIMEOUT_MS}", **form)
    probe = request_of("GET", "/healthz")
    within_s = TIMEOUT_MS / 1000 + LATE_S
    with started(heavy_models, tmp_path / "log.txt") as service:
        Sending(service.url, 3, ask, tmp_path / "warm", clients=16).results()
        peak = Sending(service.url, 10, ask, tmp_path / "peak", clients=16).results()
        capacity = peak.goodput(within_s)
        overload = Sending(service.url, 15, ask, tmp_path / "over", rate=3 * capacity)
        probes = Sending(service.url, 14, probe, tmp_path / "probe", rate=50).results()
        over = overload.results()
        after = Sending(service.url, 5, ask, tmp_path / "after", clients=1).results()

    with capsys.disabled():
        print(f"\npeak  {capacity:.0f}/s: {peak}\nover  {over.goodput(within_s):.0f}/s: {over}")
        print(f"probes {probes}\nafter {after}")
    assert over.goodput(within_s) >= 0.9 * capacity
    assert over.count(503) > 0.3 * len(over.status)
    assert over.count(200) + over.count(503) >= 0.99 * len(over.status)
    assert over.latency(0.99) <= within_s
    assert probes.count(200) == len(probes.status)
    assert probes.latency(0.99) <= 0.05
    assert after.count(200) == len(after.status)
