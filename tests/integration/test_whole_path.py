"""The whole path as a user goes it: command line, files, server, requests."""

from __future__ import annotations

import csv
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import polars as pl
import pytest

from service.client import Client
from service.example import curl_line
from service.settings import Settings
from tests.integration.server import serving


def command(home: Path, *arguments: str, expect: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=home, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout + done.stderr


FIT = ("training", "fit", "demo/manifest.csv", "--image", "image", "--text", "caption", "--tags", "tags")
LABELS = ("--label", "label", "--split", "split", "--name", "demo", "--epochs", "1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small demo set, a run and a model, made by the command line alone."""
    home = tmp_path_factory.mktemp("home")
    command(home, "training", "demo-data", "demo", "--rows", "120", "--size", "32")
    said = command(home, *FIT, *LABELS)
    assert "test accuracy of label: " in said
    assert "published:  demo version 1" in said
    assert "absl" not in said
    return home


@pytest.fixture(scope="module")
def url(home: Path) -> object:
    with serving(home / "models", home / "log.txt") as address:
        yield address


def test_the_service_gives_every_test_row_the_probabilities_that_training_wrote(home: Path, url: str) -> None:
    (run,) = (home / "runs").glob("demo-*")
    predictions = pl.read_csv(run / "predictions.csv")
    rows = list(csv.DictReader((home / "demo" / "manifest.csv").read_text(encoding="utf-8").splitlines()))

    assert len(predictions) > 10
    with Client(url) as client:
        for expected in predictions.iter_rows(named=True):
            row = rows[expected["row"] - 1]
            answer = client.predict(image=home / "demo" / row["image"], text=row["caption"], tags=row["tags"])
            for label, probability in answer.heads["label"].probabilities.items():
                assert probability == pytest.approx(expected[f"label:{label}"], abs=1e-4)


def test_the_printed_curl_line_works_as_pasted(home: Path, url: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    settings = Settings(port=int(url.rpartition(":")[2]))
    line = shlex.split(curl_line(home / "demo" / "manifest.csv", settings))

    done = subprocess.run([*line, "--silent", "--fail-with-body"], capture_output=True, text=True, check=True)
    assert '"predictions":[{"heads":{"label":{"label":"' in done.stdout


def test_the_log_of_the_service_is_its_own_and_not_tensorflows(home: Path, url: str) -> None:
    httpx.get(f"{url}/models")
    log = (home / "log.txt").read_text()

    assert "model demo version 1 is ready" in log
    assert "absl" not in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "none.csv", "--image", "image", "--label", "label"), "error: There is no manifest"),
        (("fit", "demo/manifest.csv", "--image", "imge", "--label", "label"), "did you mean 'image'?"),
        (("fit", "demo/manifest.csv", "--image", "image"), "error: No label: give --label COLUMN"),
        (("demo-data", "demo"), "error: "),
    ],
)
def test_an_error_is_a_sentence_and_exit_code_1(home: Path, arguments: tuple[str, ...], message: str) -> None:
    said = command(home, "training", *arguments, expect=1)

    assert message in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit",), "Give a MANIFEST with columns, or --recipe FILE"),
        (("fit", "--recipe", "r.yaml", "--image", "image"), "do not go together"),
    ],
)
def test_a_wrong_command_line_is_explained(home: Path, arguments: tuple[str, ...], message: str) -> None:
    assert message in " ".join(command(home, "training", *arguments, expect=2).replace("│", " ").split())


def test_a_run_is_looked_into(home: Path) -> None:
    (run,) = (home / "runs").glob("demo-*")
    picture = next((home / "demo" / "images").iterdir())
    said = command(home, "training", "inspect", str(run), "--image", str(picture), "--text", "handle broke off")

    assert "weights in all" in said
    assert "every input absent" in said
    made = {file.name for file in (run / "inspect").iterdir()}
    assert {"architecture.png", "image.stage_1.png", "image.heatmap.png"} <= made


@pytest.mark.slow
def test_a_second_training_by_a_recipe_from_a_run_is_published_beside_the_first(home: Path) -> None:
    # Of the pictures alone: half as long as with the words.
    columns = ("--image", "image", "--label", "label", "--split", "split", "--max-bad", "0.5")
    said = command(home, "training", "fit", "demo/manifest.csv", *columns, "--name", "pictures", "--epochs", "1")
    assert "published:  pictures version 1" in said

    (run,) = (home / "runs").glob("pictures-*")
    said = command(home, "training", "fit", "--recipe", str(run / "recipe.yaml"), "--from", str(run), "--seed", "1")
    assert f"image: taken from 'image' of {run.name}" in said
    assert f"labels taken from 'label' of {run.name}" in said
    assert "published:  pictures version 2" in said
