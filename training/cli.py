"""The command line `bifocal-training`."""

from __future__ import annotations

import sys

import typer

from model.errors import BifocalError, StoppedError, WorseModelError
from model.kernels import prefer_onednn
from training.commands.check import check
from training.commands.compare import compare
from training.commands.demo_data import demo_data
from training.commands.ensure import ensure
from training.commands.evaluate import evaluate
from training.commands.fit import fit
from training.commands.init import init
from training.commands.inspect import inspect
from training.commands.report import report
from training.commands.runs import runs

app = typer.Typer(
    name="bifocal-training",
    help="Train a classifier that looks at an image and its words together.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(init)
app.command()(check)
app.command()(fit)
app.command()(ensure)
app.command()(evaluate)
app.command()(compare)
app.command()(demo_data)
app.command()(inspect)
app.command()(report)
app.command()(runs)


def main() -> None:
    """Runs the command line; an error becomes a message and exit code 1.

    A model that is not published because it is worse makes it 3, a signal 128 and its number, as shells have it.
    """
    prefer_onednn()
    try:
        app()
    except ModuleNotFoundError as error:
        print(f"error: {error}. Training needs more than serving: pip install 'bifocal[training]'", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except StoppedError as error:
        print(str(error), file=sys.stderr)  # noqa: T201
        sys.exit(128 + error.signal)
    except WorseModelError as error:
        print(f"not published: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(3)
    except (BifocalError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
