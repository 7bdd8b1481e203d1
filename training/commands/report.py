"""`bifocal-training report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import reporter as console_reporter


def report(
    run: Annotated[Path, typer.Argument(help="Run folder.", exists=True, file_okay=False)],
    out: Annotated[Path | None, typer.Option(help="The HTML file; else RUN/report.html.", show_default=False)] = None,
    mistakes: Annotated[int, typer.Option(min=0, max=200, help="How many of the worst mistakes to show.")] = 24,
) -> None:
    """Write a run's report: one HTML file with its figures, its worst mistakes, and what to try next.

        bifocal-training report runs/demo-20260102-030405

    `fit` writes it at its end. A model card is written too, unless there is one: MODEL_CARD.md in the run folder.
    """
    from model.greeting import filtered

    with filtered():
        from training.report import write

    file = write(run, out=out, mistakes=mistakes)
    console_reporter().say(f"{file}: {file.stat().st_size / 1e6:.1f} MB")
