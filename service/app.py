"""The application: settings and a store in, an ASGI app out."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from model.errors import BifocalError
from service import errors
from service.middleware import BodyLimit, RequestId
from service.routes import health, models, predict
from service.settings import Settings
from service.store import Store

logger = logging.getLogger("bifocal")


def create_app(
    settings: Settings,
    store: Store,
    *,
    on_ready: Callable[[], None] = lambda: None,
    on_failed_start: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Builds the service.

    Args:
        settings: limits.
        store: loaded in the background, so that the server is alive, though not ready, from the start.
        on_ready: called when the models are loaded.
        on_failed_start: called when no model could be loaded.
    """

    def load() -> None:
        try:
            store.load()
        except BifocalError as error:
            logger.error("%s", error)
            on_failed_start()
        except Exception:
            logger.exception("the models could not be loaded")
            on_failed_start()
        else:
            on_ready()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode") as decoders:
            app.state.decoders = decoders
            loading = asyncio.get_running_loop().run_in_executor(None, load)
            try:
                yield
            finally:
                await loading
                store.close()

    app = FastAPIOffline(  # /docs with scripts and styles from here, not from another origin
        title="Bifocal",
        version=version("bifocal"),
        description="Class probabilities for a picture and its words.",
        redoc_url=None,
        responses=errors.RESPONSES,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.store = store
    app.include_router(predict.router)
    app.include_router(models.router)
    app.include_router(health.router)
    errors.install(app)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    app.add_middleware(RequestId)  # added last, so it surrounds all the others
    return app
