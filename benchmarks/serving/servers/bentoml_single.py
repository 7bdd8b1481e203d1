"""BentoML without batching: `threads` requests at once in each of `workers` processes.

https://docs.bentoml.com
"""

from __future__ import annotations

from pathlib import Path

import bentoml

from benchmarks.serving.servers.classifier import Classifier
from benchmarks.serving.servers.settings import peer_settings

settings = peer_settings()


@bentoml.service(workers=settings.workers, threads=settings.threads, logging={"access": {"enabled": False}})
class Single:
    def __init__(self) -> None:
        self.classifier = Classifier(settings.saved_model, intra_op=settings.intra_op)

    @bentoml.api
    def predict(self, image: Path, text: str) -> dict:
        return self.classifier.answer(self.classifier.predict([image.read_bytes()], [text])[0])
