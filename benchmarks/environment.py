"""Environments of their own for libraries that are no dependency of the project."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "build" / "benchmarks"


def python_with(name: str, *requirements: str) -> str:
    """The interpreter of an environment with some packages, made if it isn't there.

    Args:
        name: of the environment; its folder is beneath build/, which git ignores and `make clean` removes.
        requirements: as pip wants them.
    """
    folder = FOLDER / name
    python, whole = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join(requirements) + "\n"
    if not whole.is_file() or whole.read_text(encoding="utf-8") != wanted:
        print(f"making an environment with {', '.join(requirements)} in {folder}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run(command, check=True)  # noqa: S603
        whole.write_text(wanted, encoding="utf-8")
    return str(python)
