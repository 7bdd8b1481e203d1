"""`bifocal-training demo-data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import reporter as console_reporter


def demo_data(
    directory: Annotated[Path, typer.Argument(help="Where to; made if it is not there.")],
    rows: Annotated[int, typer.Option(min=60, help="How many examples.")] = 1800,
    size: Annotated[int, typer.Option(min=16, help="Side of the pictures in pixels.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="The same seed makes the same set.")] = 7,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a demo set that is there.")] = False,
) -> None:
    """Write the demo set: pictures and captions that only together give the answer.

    bifocal-training demo-data demo/data
    """
    from training.demo_data import write_demo_set

    reporter = console_reporter()
    with reporter.task("Drawing") as task:
        made = write_demo_set(directory, rows=rows, size_px=size, seed=seed, progress=task.update, overwrite=overwrite)
    reporter.say(f"{made.manifest}: {made.rows} rows, {len(made.labels)} labels")
