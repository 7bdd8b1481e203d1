"""`bifocal-service score` as a person starts it."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from model.errors import BifocalError
from service.commands.score import score
from tests.service.stand_in import write_bundle
from tests.tiny import write_rows
from training.fit import Fitted

app = typer.Typer()
app.command()(score)

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("BIFOCAL_")}


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service", "score", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.slow
def test_a_table_is_scored_and_too_many_bad_rows_are_exit_code_1(
    tiny_fitted: Fitted, tiny_manifest: Path, tmp_path: Path
) -> None:
    texts = [{"photo": "images/0.png", "caption": "a tomato", "notes": "x" * 200_000}, {"photo": "gone.png"}]
    rows = write_rows(tmp_path / "rows.csv", texts)
    out = tmp_path / "p.csv"
    done = run(
        tiny_fitted.published.parents[1], rows, "--out", out, "--column", "image=photo", "--image-root",
        tiny_manifest.parent, "--max-bad", "0.4", "--batch-size", "2",
    )  # fmt: skip

    with out.open(encoding="utf-8", newline="") as stream:
        scored = list(csv.DictReader(stream))
    assert [row["colour"] for row in scored] == ["red", ""]
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"2 rows: {out}",
        "without tags: the manifest has no such column",
        f"1 of them could not be scored: {tmp_path / 'p.bad.csv'} says why",
    ]
    assert "error: 1 of 2 rows could not be scored (50.0%; --max-bad allows 40.0%). " in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--column", "image"], "--column image: expected INPUT=COLUMN, as in image=photo_path."),
        (["--column", "text=a", "--column", "text=b"], "--column text=b: 'text' has a column already."),
        (["--max-bad", "2"], "Invalid value for '--max-bad'"),
        (["--batch-size", "0"], "Invalid value for '--batch-size'"),
    ],
)
def test_an_option_that_is_wrong_is_exit_code_2(options: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["models", "rows.csv", "--out", "p.csv", *options], env={"TERMINAL_WIDTH": "200"})

    assert done.exit_code == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--column", "text=title"], r"--column text=title: rows\.csv has no such column"),
        (["--out", "p.txt"], r"--out p\.txt: expected a name ending in \.parquet, \.csv, \.jsonl\."),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_loaded_or_written(
    models: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    rows = write_rows(tmp_path / "rows.csv", [{"text": "red"}])

    done = CliRunner().invoke(app, [str(write_bundle(models)), str(rows), "--out", str(tmp_path / "p.csv"), *options])

    assert isinstance(done.exception, BifocalError)
    assert re.match(message, str(done.exception))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["models", "rows.csv"]
