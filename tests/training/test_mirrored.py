"""Two replicas of one process are what one is alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_two_replicas_train_as_one_with_the_whole_batch(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.training.two_replicas", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    difference, change, dropouts_differ, statistics_are_shared = done.stdout.split()
    assert float(difference) < 1e-5
    assert float(change) > 0.1  # or it would prove little
    assert dropouts_differ == "True"
    assert statistics_are_shared == "True"
