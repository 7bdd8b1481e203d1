"""What the README says of the demo set and of real data, measured anew. Minutes: `make test-longest`."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.explanations import deletion_test
from service.client import Client
from tests.integration.server import serving

pytestmark = [pytest.mark.longest, pytest.mark.timeout(1200)]

OPENMOJI = Path(__file__).parents[3] / "shared" / "data" / "openmoji"

# How far what is served may be from what training wrote down. With `auto`, the service may have chosen 8 bits.
TOLERANCES = {"float32": 1e-4, "auto": 0.02}


def fit(home: Path, *arguments: str) -> dict[str, Any]:
    """Trains by the command line; the metrics of the run."""
    subprocess.run([sys.executable, "-m", "training", "fit", *arguments], cwd=home, check=True)
    (metrics,) = (home / "runs").glob("*/metrics.json")
    result: dict[str, Any] = json.loads(metrics.read_text())
    return result


def test_on_the_demo_set_only_both_together_give_the_answer(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "training", "demo-data", "data"], cwd=tmp_path, check=True)
    columns = ("--image", "image", "--text", "caption", "--tags", "tags", "--label", "label", "--split", "split")
    metrics = fit(tmp_path, "data/manifest.csv", *columns, "--epochs", "15", "--alone")

    assert metrics["test"]["label"]["metrics"]["accuracy"]["value"] >= 0.90
    assert metrics["alone"]["picture"]["label"] <= 0.65
    assert metrics["alone"]["words"]["label"] <= 0.65
    found = deletion_test(tmp_path / "models" / "manifest" / "1", tmp_path / "data" / "manifest.csv")
    assert found.pixels().better >= 0.80
    assert found.tokens().better >= 0.80
    assert found.share_error <= 1e-4


@pytest.mark.skipif(not OPENMOJI.is_dir(), reason="the openmoji pictures are not here")
def test_on_openmoji_the_merged_model_is_learned_and_served_as_trained(tmp_path: Path) -> None:
    columns = ("--image", "image", "--text", "annotation", "--label", "label", "--group", "group_key")
    metrics = fit(
        tmp_path, str(OPENMOJI / "manifest.csv"), *columns, "--split", "suggested_split", "--name", "openmoji"
    )
    rows = list(csv.DictReader((OPENMOJI / "manifest.csv").read_text(encoding="utf-8").splitlines()))
    (file,) = (tmp_path / "runs").glob("*/predictions.csv")

    assert metrics["test"]["label"]["metrics"]["accuracy"]["value"] >= 0.67
    expected = pl.read_csv(file)
    assert len(expected) == 356
    for precision, tolerance in TOLERANCES.items():
        log = tmp_path / f"{precision}.log"
        with serving(tmp_path / "models", log, precision=precision) as url, Client(url) as client:
            for line in expected.iter_rows(named=True):
                row = rows[line["row"] - 1]
                answer = client.predict(image=OPENMOJI / row["image"], text=row["annotation"])
                for label, probability in answer.heads["label"].probabilities.items():
                    assert probability == pytest.approx(line[f"label:{label}"], abs=tolerance), precision
