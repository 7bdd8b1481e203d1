"""`bifocal-training compare` on sets where it is known beforehand who needs what."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests import two_bits

pytestmark = pytest.mark.slow


def command(home: Path, recipe: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "training", "compare", str(recipe), "--out", str(home / "out"), *options]


def compared(home: Path, recipe: Path, *options: str) -> tuple[dict[str, Any], str]:
    """What compare.json says of the only head, and what was printed."""
    run = subprocess.run(command(home, recipe, *options), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads((home / "out" / "compare.json").read_text(encoding="utf-8"))["heads"]["answer"], run.stdout


def test_where_neither_says_anything_alone_merging_is_needed(tmp_path: Path) -> None:
    """And a comparison that was killed goes on where it was."""
    recipe = tmp_path / "xor.yaml"
    manifest = two_bits.write(tmp_path / "data")
    recipe.write_text(two_bits.recipe(manifest, epochs=15).to_yaml(), encoding="utf-8")
    options = ("--merges", "concatenate,multiply")
    killed = subprocess.Popen(command(tmp_path, recipe, *options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    finished = tmp_path / "out" / "parts"
    deadline = time.monotonic() + 120
    while not list(finished.glob("words-seed0-*/part.json")):
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    times = {path: path.stat().st_mtime_ns for path in finished.glob("*/part.json")}

    answer, printed = compared(tmp_path, recipe, *options)

    assert answer["verdict"]["kind"] == "needed"
    assert "Merging is needed" in printed
    assert answer["standings"][answer["merged"]]["test"]["value"] > 0.9
    assert f"{len(times) - 1} of 4 trainings were finished before" in printed  # the baseline is one more
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_where_the_pictures_are_noise_the_words_alone_do_as_well(tmp_path: Path) -> None:
    recipe = tmp_path / "noise.yaml"
    manifest = two_bits.write(tmp_path / "data", answer=two_bits.of_the_words, mistakes=0.05)
    recipe.write_text(two_bits.recipe(manifest, name="noise", epochs=6).to_yaml(), encoding="utf-8")

    answer, printed = compared(tmp_path, recipe, "--merges", "concatenate,gated")

    assert answer["verdict"]["kind"] == "as_well"
    assert "The words alone" in printed
    assert "do as well" in printed
    assert answer["standings"]["picture"]["test"]["value"] < 0.6
