"""`bifocal-training init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    manifest: Annotated[Path, typer.Argument(help="The table of examples, or a folder of pictures.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the recipe goes; standard output if not given.", show_default=False)
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="Column to predict, if the guess is wrong.", show_default=False)
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the model; the manifest's name if not given.", show_default=False)
    ] = None,
    image_root: Annotated[
        Path | None,
        typer.Option(help="Folder that picture paths are relative to; else the manifest's.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a recipe that is there.")] = False,
) -> None:
    """Write a recipe for a table: guess what its columns are, and say why in comments.

        bifocal-training init listings.csv --out listings.yaml

        bifocal-training fit --recipe listings.yaml

    The paths in it are relative to the folder of --out, or to the current one.
    """
    from rich.console import Console

    from model.errors import StorageError
    from training import recipe_columns
    from training.drafting.draft import draft
    from training.progress import Reporter

    if out is not None and out.exists() and not force:
        raise StorageError(f"{out} is there already. Replace it with --force, or choose another with --out.")
    reporter = Reporter(Console(stderr=True))  # standard output may be the recipe
    folder = out.parent if out is not None else Path()
    with reporter.task("Reading the table") as task:
        text, roles = draft(
            manifest,
            name=name or recipe_columns.name_of(manifest),
            folder=folder,
            label=label,
            image_root=image_root,
            progress=task.update,
        )
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{out} can't be written: {error.strerror}.") from None
    for role in roles:
        reporter.say(f"{role.column}: {role.kind or 'not used'} ({role.why})")
    reporter.say(f"{out}: look through it, then: bifocal-training fit --recipe {out}")
