"""The command line `bifocal-service`. Commands import what they need when they run, so that help comes at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model.errors import BifocalError, ManifestError

if TYPE_CHECKING:
    from model.bundle import Bundle
    from service.settings import Settings
    from service.store import Runtime

app = typer.Typer(
    name="bifocal-service",
    help="Serve trained classifiers over HTTP.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _commands() -> None:
    """Keeps `serve` a command of its own."""


@app.command()
def serve(
    models: Annotated[
        Path | None, typer.Argument(help="Folder of NAME/VERSION/ bundles.  [default: models]", show_default=False)
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.  [default: 8000]", show_default=False)] = None,
    example: Annotated[
        Path | None,
        typer.Option(
            help="A CSV with the columns image, text or caption, tags; one of its rows is printed as a request.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Load the newest version of each model and answer requests.

        bifocal-service serve models/ --port 8000

        curl -F image=@photo.jpg -F text='a red mug' http://127.0.0.1:8000/predict

    Every option can also be set in the environment: BIFOCAL_MODELS, BIFOCAL_HOST, BIFOCAL_PORT, and the limits that
    docs/service.md lists.
    """
    import uvicorn
    from pydantic import ValidationError

    from service.app import create_app
    from service.settings import Settings, refuse_unknown_variables
    from service.store import Store, find

    refuse_unknown_variables(os.environ)
    given: dict[str, Any] = {"models": models, "host": host, "port": port}
    try:
        settings = Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        details = "\n".join(f"  {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise typer.BadParameter(f"settings (BIFOCAL_... in the environment, or options):\n{details}") from None
    found = find(settings.models)
    print(f"Loading {', '.join(found)} ...", flush=True)  # noqa: T201
    line = _curl_line(example, settings) if example is not None else None

    store = Store(settings.models, _load, max_batch_size=settings.max_batch_size)
    failed = False

    def invite() -> None:
        if line is not None:
            print(f"\nTry it in another shell:\n\n  {line}\n", flush=True)  # noqa: T201

    def stop() -> None:
        nonlocal failed
        failed = server.should_exit = True

    application = create_app(settings, store, on_ready=invite, on_failed_start=stop)
    server = uvicorn.Server(
        uvicorn.Config(application, host=settings.host, port=settings.port, log_config=_log_config())
    )
    server.run()
    if failed or not server.started:
        sys.exit(1)


def _curl_line(example: Path, settings: Settings) -> str | None:
    from service.example import curl_line

    try:
        return curl_line(example, settings)
    except ManifestError as error:
        print(f"warning: no example request: {error}", file=sys.stderr)  # noqa: T201  (no reason not to serve)
        return None


def _load(bundle: Bundle) -> Runtime:
    from service.runtime import Runtime  # the import of TensorFlow, in the thread that loads

    return Runtime(bundle)


def _log_config() -> dict[str, Any]:
    """Uvicorn's own, with our messages in the same form."""
    from uvicorn.config import LOGGING_CONFIG

    ours = {
        "bifocal": {"handlers": ["default"], "level": "INFO", "propagate": False},
        # Warns of every broken form that a client sends, which the client is told anyway.
        "python_multipart": {"level": "ERROR"},
    }
    loggers = {**LOGGING_CONFIG["loggers"], **ours}
    return {**LOGGING_CONFIG, "loggers": loggers}


def main() -> None:
    """Runs the command line; errors become a message and exit code 1."""
    try:
        app()
    except (BifocalError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
