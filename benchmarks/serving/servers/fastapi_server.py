"""FastAPI: a plain endpoint, which FastAPI runs in its thread pool, and the SavedModel.

https://fastapi.tiangolo.com/async/#path-operation-functions, https://fastapi.tiangolo.com/advanced/events/
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import anyio.to_thread
import uvicorn
from fastapi import FastAPI, File, Form

from benchmarks.serving.servers.classifier import Classifier
from benchmarks.serving.servers.settings import peer_settings

settings = peer_settings()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Loads the model; and as many requests at once as the settings say, instead of 40."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = settings.threads
    app.state.classifier = Classifier(settings.saved_model, intra_op=settings.intra_op)
    yield


app = FastAPI(lifespan=lifespan)


# bytes, not UploadFile: FastAPI then reads the file, and a plain function can't await that.
@app.post("/predict")
def predict(image: Annotated[bytes, File()], text: Annotated[str, Form()]) -> dict[str, object]:
    classifier: Classifier = app.state.classifier
    return classifier.answer(classifier.predict([image], [text])[0])


if __name__ == "__main__":
    uvicorn.run(
        "benchmarks.serving.servers.fastapi_server:app",
        host="127.0.0.1",
        port=settings.port,
        workers=settings.workers,
        timeout_worker_healthcheck=120,  # TensorFlow takes longer to load than uvicorn's 5 s
        access_log=False,
        log_level="warning",
        loop="uvloop",
        http="httptools",
    )
