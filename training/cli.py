"""The command line `bifocal-training`."""

from __future__ import annotations

import sys

import typer

from model.errors import BifocalError
from training.commands.demo_data import demo_data
from training.commands.fit import fit
from training.commands.inspect import inspect

app = typer.Typer(
    name="bifocal-training",
    help="Train a classifier that looks at an image and its words together.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(fit)
app.command()(demo_data)
app.command()(inspect)


def main() -> None:
    """Runs the command line; an error becomes a message and exit code 1."""
    try:
        app()
    except ModuleNotFoundError as error:
        print(f"error: {error}. Training needs more than serving: pip install 'bifocal[training]'", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except (BifocalError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
