"""Two replicas of one process are what one is alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.kernels import avoid_onednn
from tests import tiny

pytestmark = pytest.mark.slow


def test_two_replicas_train_as_one_with_the_whole_batch(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training.two_replicas", str(tmp_path)]
    environment = dict(os.environ)
    avoid_onednn(environment)  # as `fit` does: of a last batch of one row, one replica has none
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    difference, change, native_difference, dropouts_differ, statistics_are_shared = done.stdout.split()
    assert float(difference) < 1e-5
    assert float(native_difference) < 1e-4  # whose roundings are ten times as large
    assert float(change) > 0.1  # or it would prove little
    assert dropouts_differ == "True"
    assert statistics_are_shared == "True"


def test_a_row_is_left_over_for_one_of_two_devices(tmp_path: Path) -> None:
    recipe = tiny.recipe(tiny.write_manifest(tmp_path), epochs=1, batch_size=5)  # of 36 rows
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    folders = ["--runs-dir", str(tmp_path / "runs"), "--models-dir", str(tmp_path / "models")]
    command = [sys.executable, "-m", "training", "fit", "--recipe", str(tmp_path / "recipe.yaml"), *folders]
    done = subprocess.run([*command, "--devices", "CPU:0,CPU:1"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
