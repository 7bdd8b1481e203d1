"""The command line at its edges; the commands themselves are tried in tests/integration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests import tiny

WITHOUT_POLARS = "import sys; sys.modules['polars'] = None; from training.cli import main; main()"


def test_an_installation_that_can_only_serve_says_what_training_needs(tmp_path: Path) -> None:
    manifest = tiny.write_manifest(tmp_path / "data")
    command = [sys.executable, "-c", WITHOUT_POLARS, "fit", str(manifest), "--image", "image", "--label", "label"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert done.returncode == 1
    assert "pip install 'bifocal[training]'" in done.stderr
    assert "Traceback" not in done.stderr
