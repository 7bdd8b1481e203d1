"""`bifocal-service predict` as a person starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from model.errors import BifocalError, BundleError
from service.commands.local import find_bundle
from service.commands.predict import predict
from tests.service.stand_in import picture, write_bundle
from training.fit import Fitted

app = typer.Typer()
app.command()(predict)

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("BIFOCAL_")}


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service", "predict", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_it_answers_what_the_server_answers_and_says_why(
    tiny_fitted: Fitted, tiny_service: httpx.Client, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(picture("red"))
    done = run(
        tiny_fitted.published.parent, "--image", tmp_path / "a.png", "--input", "caption=a tomato", "--json",
        "--explain", tmp_path / "why.png",
    )  # fmt: skip

    files = {"image": picture("red"), "caption": (None, b"a tomato")}
    served = tiny_service.post("/predict?explain=true", files=files).json()
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["model"] == {"name": "tiny", "version": 1}
    (ours,), (theirs,) = answer["predictions"], served["predictions"]
    assert ours["absent"] == ["tags"]
    assert ours["heads"]["colour"]["probabilities"] == pytest.approx(
        theirs["heads"]["colour"]["probabilities"], abs=1e-5
    )
    assert ours["explanation"]["colour"]["shares"] == pytest.approx(theirs["explanation"]["colour"]["shares"], abs=1e-4)
    with Image.open(tmp_path / "why.png") as shown:
        assert shown.size == (10 * 32, 12 * 32)
    assert "written: " in done.stderr


@pytest.mark.slow
def test_it_prints_a_table(tiny_fitted: Fitted) -> None:
    done = run(tiny_fitted.published, "--text", "grass", "--top-k", "2", "--explain", "why.png", PYTHONUTF8="1")

    lines = done.stdout.splitlines()
    assert lines[0] == "colour"
    assert lines[1].startswith("  ")
    assert "█" in lines[1]
    assert lines[3] == "absent: image, tags"
    assert "  in text: grass " in done.stdout
    assert "why.png is not written: no picture was given." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text", " "], "Every input is absent"),
        (["--image", "gone.png"], r"Input 'image': gone\.png can't be read: No such file or directory\."),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_loaded(models: Path, arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, [str(write_bundle(models)), *arguments])

    assert isinstance(done.exception, BifocalError)
    assert re.match(message, str(done.exception))


def test_a_heat_map_is_a_png_and_a_setting_that_is_none_is_refused(models: Path) -> None:
    arguments = [str(write_bundle(models)), "--text", "red"]

    other = CliRunner().invoke(app, [*arguments, "--explain", "why.txt"], env={"TERMINAL_WIDTH": "200"})
    setting = CliRunner().invoke(app, arguments, env={"BIFOCAL_MAX_PIXEL": "1"})

    assert other.exit_code == 2
    assert "--explain why.txt: expected a name ending in .png." in other.stderr
    assert str(setting.exception).startswith("The environment has BIFOCAL_MAX_PIXEL, which is no setting")


def test_a_bundle_is_found_by_its_folder_its_model_or_the_only_model(models: Path) -> None:
    first, second = write_bundle(models), write_bundle(models, version=10)

    assert find_bundle(first).path == first
    assert find_bundle(models / "colours").path == find_bundle(models).path == second
    write_bundle(models, name="cups")
    with pytest.raises(BundleError, match=r"several models in .*: colours, cups\. Say which: .*models/colours\."):
        find_bundle(models)
    with pytest.raises(BundleError, match=r"There is no model in .*gone: expected a bundle, or a folder"):
        find_bundle(models / "gone")
