"""A run as one page: what came out, how sure that is, where it goes wrong, and what to try next."""

from __future__ import annotations

from pathlib import Path

from model.errors import StorageError
from training import model_card, run_contents
from training.report import page

MISTAKES = 24

__all__ = ["MISTAKES", "write"]


def write(run_path: Path, *, out: Path | None = None, mistakes: int = MISTAKES) -> Path:
    """Writes the report of a run: one HTML file that needs nothing else. And a model card, if there is none yet.

    Made from the run folder alone, and from the manifest and its pictures as far as they are still there.

    Args:
        run_path: the run folder.
        out: the file; `report.html` in the run folder if not given.
        mistakes: how many to show, shared evenly among the heads.

    Returns:
        The file.

    Raises:
        StorageError: if the folder is no run, or the file can't be written.
        SpecError: if its recipe is not one of this build.
    """
    run = run_contents.read(run_path)
    file = out or run_path / "report.html"
    text = page.html(run, mistakes=mistakes)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        model_card.write_if_missing(run)
    except OSError as error:
        raise StorageError(
            f"The report {file} can't be written: {error.strerror}. Choose another with --out."
        ) from None
    return file
