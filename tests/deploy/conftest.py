"""What the tests of the containers share: an engine, a clone, a small shop to train on."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.deploy import stack
from tests.deploy.stack import ROOT, Stack
from tests.integration.server import free_port
from training.demo_data import write_demo_set

PORTS = ("PORT", "PROXY_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT", "GPU_PORT")


@pytest.fixture(scope="session", autouse=True)
def _engine() -> None:
    if reason := stack.why_not():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh clone of what is committed, where containers can read it."""
    home = Path(tempfile.mkdtemp(prefix="bifocal-deploy-"))
    home.chmod(0o755)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(home / "clone")], check=True)
    yield home / "clone"
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def small(clone: Path) -> Iterator[Stack]:
    """`docker-compose up` with one's own data, one CPU for each container of the service."""
    data = clone.parent / "shop"
    write_demo_set(data, rows=240, seed=3)
    (data / "recipe.yaml").write_text(RECIPE)
    made = Stack(clone, f"bifocal-small-{os.getpid()}", variables(DATA=str(data), CPUS="1", MEMORY="3g", REPLICAS="2"))
    try:
        made("up", "--detach", "--build")
        made.wait_until_healthy()
        yield made
    finally:
        made.remove()


def variables(**others: str) -> dict[str, str]:
    """Free ports, and images that can be had here."""
    ports = {port: str(free_port()) for port in PORTS}
    # An engine without BuildKit builds as well.
    return {**ports, "DOCKER_BUILDKIT": os.environ.get("DOCKER_BUILDKIT", "1"), **others}


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG of 640x480, of about 60 kB: more than one packet, less than the proxy keeps."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    file = io.BytesIO()
    coarse.resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG", quality=75)
    return file.getvalue()


RECIPE = """\
name: shop
data:
  manifest: manifest.csv
  columns: {image: image, text: caption}
  labels: {label: label}
  split: {column: split}
spec:
  inputs:
    image: {kind: image, height: 32, width: 32}
    text: {kind: text}
  branches:
    image: {kind: conv, filters: [8, 16]}
    text: {kind: embedding, dimension: 8}
  heads:
    label: {kind: single_label}
training: {epochs: 2}
"""
