"""A real Prometheus scrapes the service, and is asked what it saw."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.integration.server import free_port
from tests.service.running import serving, wait_until
from tests.service.stand_in import picture, write_bundle

PROMETHEUS = shutil.which("prometheus")

CONFIG = """
global: {{scrape_interval: 250ms, scrape_timeout: 250ms}}
scrape_configs:
  - job_name: bifocal
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@contextmanager
def scraping(port: int | None, folder: Path) -> Iterator[httpx.Client]:
    """Prometheus' API, as long as it runs and scrapes the port."""
    (folder / "prometheus.yml").write_text(CONFIG.format(port=port))
    own = free_port()
    options = [
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{own}",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(PROMETHEUS), *options], stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{own}/api/v1", timeout=10) as client:
            yield client
    finally:
        process.terminate()
        process.wait(10)


def value(prometheus: httpx.Client, query: str) -> float | None:
    """What a query gives, added up; None while there is nothing, or nobody to ask."""
    try:
        response = prometheus.get("/query", params={"query": f"sum({query})"})
    except httpx.TransportError:
        return None
    result = response.json()["data"]["result"] if response.status_code == 200 else []
    return float(result[0]["value"][1]) if result else None


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")
def test_prometheus_sees_the_service_and_what_it_has_answered(tmp_path: Path) -> None:
    write_bundle(tmp_path / "models")
    with serving(tmp_path / "models") as service, scraping(service.base_url.port, tmp_path) as prometheus:
        for _ in range(5):
            assert service.post("/predict", files={"image": ("a", picture("red"))}).status_code == 200
        assert service.post("/predict", json={"txet": "red"}).status_code == 422
        wait_until(lambda: value(prometheus, 'bifocal_requests_total{status="422"}') == 1, timeout_s=20)

        assert value(prometheus, 'up{job="bifocal"}') == 1
        assert value(prometheus, 'bifocal_requests_total{route="/predict",method="POST",status="200"}') == 5
        assert value(prometheus, 'bifocal_refusals_total{reason="invalid-request"}') == 1
        assert value(prometheus, 'bifocal_predicted_labels_total{model="colours",head="colour",label="red"}') == 5
        assert value(prometheus, 'bifocal_absent_inputs_total{model="colours",input="text"}') == 5
        assert value(prometheus, 'bifocal_stage_seconds_count{stage="infer"}') == 5
        assert value(prometheus, 'bifocal_batch_size_sum{model="colours",queue="predict"}') == 5
        assert value(prometheus, 'bifocal_queue_length{queue="predict"}') == 0
        assert value(prometheus, 'bifocal_model_info{model="colours",version="1",state="ready"}') == 1
        assert value(prometheus, "process_resident_memory_bytes") > 1e7  # type: ignore[operator]
