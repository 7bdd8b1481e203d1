"""`bifocal-service keys`: makes, lists and removes API keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.intake import keys

app = typer.Typer(
    name="keys", help="API keys: who may ask the service.", no_args_is_help=True, rich_markup_mode="markdown"
)

_File = Annotated[
    Path, typer.Option("--file", envvar="BIFOCAL_KEYS", help="The key file, the same as for `serve --keys`.")
]
_Name = Annotated[str, typer.Argument(help="Whose key it is; letters, digits, '.', '_' and '-'.")]


@app.command()
def add(
    name: _Name,
    file: _File,
    right: Annotated[
        list[str], typer.Option(help="What it may do: predict, admin. Give it twice for both.  [default: predict]")
    ] = ["predict"],  # noqa: B006  (typer copies it)
) -> None:
    """Make a key and print it. It is shown this once: the file keeps its SHA-256 alone.

        bifocal-service keys add shop --right predict --file keys.json

    A service that runs takes it within a second or two.
    """
    made = keys.add(file, name, tuple(dict.fromkeys(right)))  # type: ignore[arg-type]  # checked in there
    typer.echo(made)


@app.command("list")
def list_(file: _File) -> None:
    """Name and rights of each key."""
    for key in keys.read(file).keys:
        typer.echo(f"{key.name}\t{', '.join(key.rights)}")


@app.command()
def remove(name: _Name, file: _File) -> None:
    """Take a key away. A service that runs refuses it within a second or two."""
    keys.remove(file, name)
