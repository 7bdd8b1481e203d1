"""The application: settings and a way to load bundles in, an ASGI app out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware

from model.bundle import Bundle
from model.errors import BifocalError
from service import errors
from service.engine import Engine, Runtime
from service.engine.priority import step_back
from service.head_requests import HeadRequests
from service.intake.access import Access, Rules, is_loopback
from service.intake.body_limit import BodyLimit
from service.intake.keys import Keys
from service.intake.security_headers import SecurityHeaders
from service.last_answers import LastAnswers
from service.last_resort import LastResort
from service.observation.metrics import Metrics
from service.observation.observing import Observing
from service.observation.request_log import RequestLog
from service.observation.traces import Traces
from service.page import page
from service.routes import admin, health, inference_v2, metrics, models, predict, serving_v1
from service.settings import Settings
from service.store import Store
from service.threads import Threads

logger = logging.getLogger("bifocal")


def create_app(
    settings: Settings,
    load: Callable[[Bundle], Runtime],
    *,
    threads: Threads | None = None,
    log_to: int | None = None,
    traces: Traces | None = None,
    sweep: Callable[[], object] = lambda: None,
    on_ready: Callable[[], None] = lambda: None,
    on_failed_start: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Builds the service.

    Its models are loaded in the background, so that it is alive, though not ready, from the start.

    Args:
        settings: all that can be told.
        load: a bundle -> what runs it.
        threads: how many do what; chosen from the settings and the machine if not given.
        log_to: file descriptor that a line for each request is written to; no log if not given.
        traces: has a span for each request, if given.
        sweep: called when a version was loaded, refused or put away.
        on_ready: called when the models are loaded.
        on_failed_start: called when no model could be loaded.
    """
    threads = threads or Threads.chosen(settings)
    decoders = ThreadPoolExecutor(threads.decode, thread_name_prefix="decode", initializer=step_back)
    measured = Metrics()
    log = RequestLog(log_to, on_dropped=measured.line_dropped) if log_to is not None else None

    def open_engine(bundle: Bundle) -> Engine:
        name = bundle.path.parent.name  # what it is served as, whatever it was called when it was trained
        engine = Engine(
            bundle,
            load(bundle),
            settings=settings,
            threads=threads,
            decoders=decoders,
            watcher=measured.watcher(name),
            explanation_watcher=measured.watcher(name, "explain"),
        )
        measured.watch_queue(name, engine.pipeline)
        measured.watch_queue(name, engine.explanations, "explain")
        return engine

    store = Store(
        settings.models, open_engine, keep_versions=settings.keep_versions, state_dir=settings.state, sweep=sweep
    )
    measured.watch_models(store)

    def start() -> None:
        step_back()  # TensorFlow's own threads take after the one that loads first
        try:
            store.load()
        except BifocalError as error:
            logger.error("%s", error)
            on_failed_start()
        except Exception:
            logger.exception("the models could not be loaded")
            on_failed_start()
        else:
            if store.is_draining:
                return  # told to end before all was loaded
            store.start_watching(settings.poll_s)
            on_ready()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        starter = ThreadPoolExecutor(1, thread_name_prefix="start")  # not a thread that goes on to serve the loop
        starting = loop.run_in_executor(starter, start)
        starter.shutdown(wait=False)
        try:
            yield
        finally:
            await starting
            await loop.run_in_executor(None, store.close)
            decoders.shutdown()
            for closing in (log, traces):
                if closing is not None:
                    await loop.run_in_executor(None, closing.close)

    app = FastAPIOffline(  # /docs with scripts and styles from here, not from another origin
        title="Bifocal",
        version=version("bifocal"),
        description="Class probabilities for a picture and its words.",
        redoc_url=None,
        redirect_slashes=False,  # it would send callers to whatever they call this host
        responses=errors.RESPONSES,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.store = store
    app.state.metrics = measured
    for routes in (predict, serving_v1, inference_v2, models, admin, health, metrics, page):
        app.include_router(routes.router)
    errors.install(app)
    _surround(app, settings, measured)
    app.add_middleware(Observing, metrics=measured, log=log, traces=traces)  # last, so it surrounds all the others
    if settings.keys:
        _describe_keys(app)
    return app


def _describe_keys(app: FastAPI) -> None:
    """Says in the OpenAPI document how a key is sent, so that the page at /docs can ask for one."""
    document = app.openapi()  # made once, and kept by the application
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    document["security"] = [{"bearer": []}, {"header": []}]


def _surround(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """What every request passes through, the innermost first."""
    rules = Rules(Keys(settings.keys) if settings.keys else None, is_local=is_loopback(settings.host))
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        max_pending_bytes=settings.max_pending_bytes,
        stall_s=settings.body_stall_s,
        watch=metrics.watch_bodies,
    )
    app.add_middleware(Access, rules=rules)
    if settings.cors_origins:  # outside of the access rules: a browser asks without a key whether it may ask
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["Retry-After", "Server-Timing", "X-Request-ID"],
        )
    app.add_middleware(HeadRequests)
    app.add_middleware(LastResort)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(LastAnswers, is_draining=lambda: app.state.store.is_draining)
