"""Where this benchmark keeps what it makes: environments, models, pictures, logs. Git ignores it; delete it freely."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "serving-benchmark"


def made(*parts: str) -> Path:
    """A folder inside, made if it is not there."""
    folder = FOLDER.joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
