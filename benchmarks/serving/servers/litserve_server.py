"""LitServe: its batching, its workers, and ZeroMQ between server and workers, as it advises above 100 requests/s.

https://lightning.ai/docs/litserve
"""

from __future__ import annotations

from collections.abc import Sequence

import litserve
import numpy as np
from numpy.typing import NDArray
from starlette.formparsers import MultiPartParser

from benchmarks.serving.servers.classifier import Classifier
from benchmarks.serving.servers.settings import peer_settings

settings = peer_settings()
# LitServe pickles the form for its workers, and a file over 1 MB, which Starlette keeps on disk, can't be pickled.
MultiPartParser.spool_max_size = 64 * 2**20
Asked = tuple[bytes, str]


class SingleAPI(litserve.LitAPI):
    """A request at a time in each worker."""

    def setup(self, device: str) -> None:  # noqa: ARG002  (LitServe gives it)
        self.classifier = Classifier(
            settings.saved_model,
            intra_op=settings.intra_op,
            decode_threads=settings.decode_threads,
            warm_up=sorted({1, settings.batch}),
        )

    # Without annotations of what comes and goes: LitServe would take them for a schema of the body.
    def decode_request(self, request):
        return request["image"].file.read(), request["text"]

    def predict(self, asked: Asked) -> NDArray[np.float32]:
        return self.classifier.predict([asked[0]], [asked[1]])[0]

    def encode_response(self, probabilities):
        return self.classifier.answer(probabilities)


class BatchAPI(SingleAPI):
    """Several requests at a time; decoding is a part of it, so that its threads can decode side by side."""

    def batch(self, asked: Sequence[Asked]) -> Sequence[Asked]:
        return asked

    def predict(self, asked: Sequence[Asked]) -> NDArray[np.float32]:  # type: ignore[override]
        return self.classifier.predict([image for image, _ in asked], [text for _, text in asked])

    def unbatch(self, probabilities: NDArray[np.float32]) -> Sequence[NDArray[np.float32]]:
        return list(probabilities)


if __name__ == "__main__":
    api = SingleAPI() if settings.batch == 1 else BatchAPI(max_batch_size=settings.batch, batch_timeout=0.002)
    server = litserve.LitServer(
        api, accelerator="cpu", workers_per_device=settings.workers, timeout=False, fast_queue=True
    )
    server.run(
        host="127.0.0.1",
        port=settings.port,
        num_api_servers=1,
        log_level="warning",
        access_log=False,
        generate_client_file=False,
    )
