"""A virtual environment for each peer, from pinned requirements, with this project beside them for its decoder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.serving.folder import ROOT, made

_REQUIREMENTS = Path(__file__).with_name("requirements")
_UV = Path(sys.executable).with_name("uv")


def python_of(name: str) -> Path:
    """The interpreter of an environment, which is made if it is not there or its requirements have changed.

    Args:
        name: of a file of requirements.

    Raises:
        RuntimeError: if it can't be made.
    """
    requirements = _REQUIREMENTS / f"{name}.txt"
    directory = made("environments") / name
    installed = directory / "installed.txt"
    wanted = f"{ROOT}\n{requirements.read_text(encoding='utf-8')}"
    if not installed.is_file() or installed.read_text(encoding="utf-8") != wanted:
        print(f"making the environment of {name} (a few minutes the first time)", flush=True)
        shutil.rmtree(directory, ignore_errors=True)
        python = str(directory / "bin" / "python")
        _run("venv", "--python", sys.executable, str(directory))
        _run("pip", "install", "--python", python, "-r", str(requirements))
        # Without its dependencies: the peers only use model.images, which needs Pillow and NumPy.
        _run("pip", "install", "--python", python, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
        installed.write_text(wanted, encoding="utf-8")
    return directory / "bin" / "python"


def _run(*arguments: str) -> None:
    done = subprocess.run([str(_UV), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise RuntimeError(f"uv {' '.join(arguments)} failed:\n{done.stderr[-3000:]}")
