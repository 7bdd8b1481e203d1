"""MLServer: a runtime of one's own, its adaptive batching and its parallel workers. Two ports besides are its own.

https://mlserver.readthedocs.io/en/latest/user-guide/custom.html
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from benchmarks.serving.servers.classifier import Classifier
from benchmarks.serving.servers.settings import peer_settings


class Runtime(MLModel):
    """The Open Inference Protocol around the SavedModel."""

    async def load(self) -> bool:
        settings = peer_settings()
        self.classifier = Classifier(
            settings.saved_model, intra_op=settings.intra_op, decode_threads=settings.decode_threads
        )
        # A batch at a time: what comes meanwhile makes the next one larger.
        self.turns = asyncio.Semaphore(settings.threads)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = {given.name: given for given in payload.inputs}
        pictures = Base64Codec.decode_input(inputs["image"])
        texts = StringCodec.decode_input(inputs["text"])
        async with self.turns:  # off the event loop, which goes on reading requests
            probabilities = await asyncio.to_thread(self.classifier.predict, pictures, texts)
        return InferenceResponse(
            model_name=self.name, outputs=[NumpyCodec.encode_output("probabilities", probabilities)]
        )


def write_settings(folder: Path) -> None:
    """The files that `mlserver start` reads, with the port given and two that are free."""
    settings = peer_settings()
    server = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": settings.port,
        "grpc_port": int(os.environ["BENCHMARK_PORT_2"]),
        "metrics_port": int(os.environ["BENCHMARK_PORT_3"]),
        "parallel_workers": settings.workers,
    }
    model = {"name": "benchmark", "implementation": f"{__spec__.name}.Runtime"}
    if settings.batch > 1:
        model |= {"max_batch_size": settings.batch, "max_batch_time": 0.002}
    (folder / "settings.json").write_text(json.dumps(server), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp(prefix="mlserver-", dir=os.environ["BENCHMARK_SCRATCH"]))
    write_settings(folder)
    command = Path(sys.executable).with_name("mlserver")
    os.environ["PYTHONPATH"] = str(Path.cwd())
    os.chdir(folder)  # it keeps its environments and metrics where it was started
    os.execv(command, [str(command), "start", str(folder)])  # noqa: S606
