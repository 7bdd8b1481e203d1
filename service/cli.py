"""The command line `bifocal-service`. Commands import what they need when they run, so that help comes at once."""

from __future__ import annotations

import sys

import typer

from model.errors import BifocalError
from service.commands import keys as keys_cli
from service.commands.predict import predict
from service.commands.score import score
from service.commands.serve import serve

app = typer.Typer(
    name="bifocal-service",
    help="Serve trained classifiers over HTTP, and ask them without a server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(serve)
app.command()(predict)
app.command()(score)
app.add_typer(keys_cli.app, name="keys")


def main() -> None:
    """Runs the command line; errors become a message and exit code 1."""
    try:
        app()
    except (BifocalError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
