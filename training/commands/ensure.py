"""`bifocal-training ensure`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import reporter as console_reporter


def ensure(
    data: Annotated[
        Path | None,
        typer.Argument(
            help="Folder with a recipe, a table or pictures; or one of these itself. Empty or absent: the demo set.",
            show_default=False,
        ),
    ] = None,
    runs_dir: Annotated[Path, typer.Option(help="Where the run folder is made.")] = Path("runs"),
    models_dir: Annotated[Path, typer.Option(help="Where the bundle is published.")] = Path("models"),
    cache_dir: Annotated[
        Path | None, typer.Option(help="Where decoded pictures are kept; RUNS_DIR/.cache if not given.")
    ] = None,
) -> None:
    """See to it that there is a model to serve: train one unless it was published before.

        bifocal-training ensure data/

    What it trains on, in this order: the recipe in the folder, the table in it (whose columns are guessed as by init),
    its pictures in a subfolder a class. If a version of that model is there, nothing is done; train it again with fit.
    Without any data it is the demo set, unless there is any model at all. So it can be called at every start.
    """
    from training.commands.process import begin
    from training.first_model import demo_recipe, name_of, published, recipe_of, source_of
    from training.request import Request
    from training.runs import Folders

    reporter = console_reporter()
    source = source_of(data)
    if there := published(models_dir, name_of(source) if source is not None else None):
        listing = ", ".join(f"{name} version {version}" for name, version in there.items())
        reporter.say(f"{models_dir} holds {listing}: nothing to train. To train again: bifocal-training fit")
        return
    folders = Folders(runs_dir, models_dir)
    folders.require_writable()
    if source is None:
        reporter.say("There is no data and no model: training on the demo set.")
        recipe = demo_recipe(runs_dir, reporter)
    else:
        reporter.say(f"Training on {source}.")
        recipe = recipe_of(source, runs_dir, reporter)
    request = Request(models=models_dir.absolute(), cache=(cache_dir or runs_dir / ".cache").absolute())
    begin(recipe, folders, request, devices=None)
