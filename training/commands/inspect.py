"""`bifocal-training inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import reporter as console_reporter


def inspect(
    run: Annotated[Path, typer.Argument(help="Run folder or bundle.", exists=True, file_okay=False)],
    image: Annotated[
        list[str] | None, typer.Option(help="Picture to look at: FILE, or INPUT=FILE.", metavar="[INPUT=]FILE")
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="Text to look at: TEXT, or INPUT=TEXT.", metavar="[INPUT=]TEXT")
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option(help="Tags to look at: TAGS, or INPUT=TAGS.", metavar="[INPUT=]TAGS")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where pictures go; else RUN/inspect, or inspect/ for a bundle.")
    ] = None,
) -> None:
    """Look inside a trained model: its parts as a table and a picture, and why it answers what it answers.

        bifocal-training inspect runs/demo-20260102-030405 --image mug.png --text "handle broke off"

    Writes architecture.png and, for an example, the feature maps of each stage and a heat map over each picture.
    """
    from model.greeting import filtered

    with filtered():
        from training.inspection import Inspection
    from training.inspection_report import example_from, tell_example, tell_parts

    reporter = console_reporter()
    inspection = Inspection(run)
    # Never into a published version, which is to stay as it is.
    directory = out or (run / "inspect" if (run / "bundle").is_dir() else Path("inspect"))
    tell_parts(inspection, reporter)
    reporter.say(f"architecture: {inspection.draw(directory / 'architecture.png')}")
    example = example_from(inspection.spec, image=image or [], text=text or [], tags=tags or [])
    if example:
        tell_example(inspection.look(example, directory), reporter)
