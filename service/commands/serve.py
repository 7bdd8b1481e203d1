"""The command `bifocal-service serve`."""

from __future__ import annotations

import gc
import math
import resource
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from model.errors import ManifestError, SpecError

if TYPE_CHECKING:
    from model.bundle import Bundle
    from service.engine import Runtime
    from service.settings import Settings

_STDOUT = 1
# Longer than balancers keep connections, so that it is never us who close one while a request is on its way.
KEEP_ALIVE_S = 75


def serve(
    models: Annotated[
        Path | None, typer.Argument(help="Folder of NAME/VERSION/ bundles.  [default: models]", show_default=False)
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]", show_default=False)
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.  [default: 8000]", show_default=False)] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            help="File of API keys, made by 'bifocal-service keys'; requests need one then.", show_default=False
        ),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen without keys on an address that others can reach.")
    ] = False,
    example: Annotated[
        Path | None,
        typer.Option(
            help="A CSV with the columns image, text or caption, tags; one of its rows is printed as a request.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Load the models of a folder and answer requests; new versions are taken over as they come.

        bifocal-service serve models/ --port 8000

        curl -F image=@photo.jpg -F text='a red mug' http://127.0.0.1:8000/predict

    Every option can also be set in the environment: BIFOCAL_MODELS, BIFOCAL_HOST, BIFOCAL_PORT, and what else
    docs/service.md lists. SIGTERM or Ctrl-C finishes what was accepted; a second one ends at once.
    """
    from service.intake.access import check_exposure
    from service.settings import load_settings

    given = {"models": models, "host": host, "port": port, "keys": keys, "insecure": insecure or None}
    try:
        settings = load_settings({name: value for name, value in given.items() if value is not None})
        check_exposure(settings)
    except SpecError as error:
        raise typer.BadParameter(f"settings (BIFOCAL_... in the environment, or options):\n{error}") from None
    if not _run(settings, example):
        sys.exit(1)


def _run(settings: Settings, example: Path | None) -> bool:
    """Serves until a signal ends it; whether it could start."""
    gc.disable()  # until all is imported: `prepare` enables it
    import uvicorn

    from service.app import create_app
    from service.intake.protocol import limited_protocol
    from service.observation.request_log import log_config
    from service.observation.traces import Traces
    from service.server import Server
    from service.store import find
    from service.threads import Threads

    _allow_connections(settings.max_connections)
    traces = Traces.sent() if settings.traces else None
    found = find(settings.models)
    threads = Threads.chosen(settings)
    print(f"{threads}\nLoading {', '.join(found)} ...", file=sys.stderr, flush=True)  # noqa: T201
    line = _curl_line(example, settings) if example is not None else None
    failed = False

    @cache
    def tensorflow() -> ModuleType:
        from service import runtime  # seconds; in the thread that loads

        runtime.prepare(intra_op=threads.intra_op, inter_op=threads.inter_op)
        return runtime

    def load(bundle: Bundle) -> Runtime:
        module = tensorflow()
        memory = module.Memory(settings.state)
        conditions = {"calls": threads.model, "intra_op": threads.intra_op, "inter_op": threads.inter_op}
        chooser = module.Chooser(settings.backend, precision=settings.precision, memory=memory, conditions=conditions)
        loaded: Runtime = module.Runtime(bundle, chooser, calls=threads.model, threads=threads.intra_op)
        return loaded

    def invite() -> None:
        if line is not None:
            print(f"\nTry it in another shell:\n\n  {line}\n", file=sys.stderr, flush=True)  # noqa: T201

    def fail() -> None:
        nonlocal failed
        failed = True
        server.stop()

    def drain() -> None:
        app.state.store.is_draining = True

    app = create_app(
        settings,
        load,
        threads=threads,
        log_to=_STDOUT,
        traces=traces,
        sweep=gc.collect,  # what TensorFlow loads is held in circles, and `prepare` has them looked for rarely
        on_ready=invite,
        on_failed_start=fail,
    )
    options: dict[str, Any] = {"host": settings.host, "port": settings.port, "log_config": log_config(), "ws": "none"}
    config = uvicorn.Config(
        app,
        http=limited_protocol(settings, on_refusal=app.state.metrics.refused),
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=math.ceil(settings.drain_timeout_s),
        **options,
    )
    server = Server(config, on_drain=drain, pause_s=settings.drain_pause_s)
    server.run(sockets=[config.bind_socket()])  # first: a port that is taken is told before anything is loaded
    return server.started and not failed


def _allow_connections(number: int) -> None:
    """Raises the soft limit of open files, which many shells set to 1,024, as far as the hard one goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * number + 512  # a spooled upload for each, and the rest of the process
    if soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


def _curl_line(example: Path, settings: Settings) -> str | None:
    from service.example import curl_line

    try:
        return curl_line(example, settings)
    except ManifestError as error:
        print(f"warning: no example request: {error}", file=sys.stderr)  # noqa: T201  (no reason not to serve)
        return None
