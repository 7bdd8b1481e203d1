"""The command line at its edges; the commands themselves are tried in tests/integration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model.kernels import VARIABLE
from tests import tiny
from training.cli import main

WITHOUT_POLARS = "import sys; sys.modules['polars'] = None; from training.cli import main; main()"


def test_an_installation_that_can_only_serve_says_what_training_needs(tmp_path: Path) -> None:
    manifest = tiny.write_manifest(tmp_path / "data")
    command = [sys.executable, "-c", WITHOUT_POLARS, "fit", str(manifest), "--image", "image", "--label", "label"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 1
    assert "pip install 'bifocal[training]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_computes_with_onednn_on_any_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(sys, "argv", ["bifocal-training", "--help"])

    with pytest.raises(SystemExit):
        main()

    assert os.environ[VARIABLE] == "1"
