"""`bifocal-training runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import reporter as console_reporter


def runs(
    run: Annotated[
        list[str] | None,
        typer.Argument(help="Run folders, or names of runs; two are compared. All of --runs-dir if none is given."),
    ] = None,
    runs_dir: Annotated[Path, typer.Option(help="Where the run folders are.")] = Path("runs"),
    name: Annotated[str | None, typer.Option(help="Only runs of this model.", show_default=False)] = None,
    sort: Annotated[
        str, typer.Option(help="started, epochs, seconds, parameters, or a metric, which is then shown.")
    ] = "started",
    as_json: Annotated[bool, typer.Option("--json", help="All that is known, as JSON.")] = False,
) -> None:
    """List runs with their figures, or say what differs between two.

    The best first, by a metric of their first head that has it:

        bifocal-training runs --sort macro_f1

    What differs in recipe, data and libraries, and whether one is better on the same test rows:

        bifocal-training runs demo-20260102-030405 demo-20260103-040506
    """
    from training import run_difference, run_listing, run_tables

    reporter = console_reporter()
    paths = [run_listing.resolve(one, runs_dir) for one in run] if run else run_listing.find(runs_dir)
    if run and len(paths) == 2:
        found = run_difference.difference(paths[0], paths[1])
        if as_json:
            reporter.say(run_tables.as_json(found.as_dict()))
        else:
            run_tables.tell_difference(found, paths[0].name, paths[1].name, reporter)
        return
    listed = [one for one in map(run_listing.read, paths) if name in (None, one.name)]
    ordered = run_listing.in_order(listed, sort)
    if as_json:
        reporter.say(run_tables.as_json([one.as_dict() for one in ordered]))
    else:
        run_tables.tell_runs(ordered, sort, reporter)
