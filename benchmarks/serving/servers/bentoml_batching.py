"""BentoML with adaptive batching. A batchable method takes one argument, so it is called with an object of both inputs.

https://docs.bentoml.com/en/latest/get-started/adaptive-batching.html
"""

from __future__ import annotations

import bentoml
from pydantic import Base64Bytes, BaseModel

from benchmarks.serving.servers.classifier import Classifier
from benchmarks.serving.servers.settings import peer_settings

settings = peer_settings()


class Asked(BaseModel):
    image: Base64Bytes
    text: str


@bentoml.service(
    workers=settings.workers,
    threads=settings.threads,
    logging={"access": {"enabled": False}},
    traffic={"timeout": 120},
)
class Batching:
    def __init__(self) -> None:
        self.classifier = Classifier(
            settings.saved_model, intra_op=settings.intra_op, decode_threads=settings.decode_threads
        )

    @bentoml.api(batchable=True, max_batch_size=settings.batch, max_latency_ms=60_000)
    def predict(self, asked: list[Asked]) -> list[dict]:
        probabilities = self.classifier.predict([one.image for one in asked], [one.text for one in asked])
        return [self.classifier.answer(row) for row in probabilities]
