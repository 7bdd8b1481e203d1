"""Triton, its HTTP server and dynamic batcher, with the SavedModel called in Python: nvidia-pytriton.

https://triton-inference-server.github.io/pytriton
"""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton, TritonConfig

from benchmarks.serving.servers.classifier import Classifier
from benchmarks.serving.servers.settings import peer_settings

settings = peer_settings()
# Triton's Python process finds its libpython by itself: it has to be this interpreter's, not the system's older one.
os.environ["LD_LIBRARY_PATH"] = str(sysconfig.get_config_var("LIBDIR"))


def main() -> None:
    """Serves until it is ended."""
    classifier = Classifier(settings.saved_model, intra_op=settings.intra_op, decode_threads=settings.decode_threads)

    @batch
    def infer(image: NDArray[np.object_], text: NDArray[np.object_]) -> list[NDArray[np.float32]]:
        texts = [value.decode() for value in text[:, 0]]
        return [classifier.predict(list(image[:, 0]), texts)]

    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=settings.port,
        grpc_address="127.0.0.1",
        grpc_port=int(os.environ["BENCHMARK_PORT_2"]),
        metrics_address="127.0.0.1",
        metrics_port=int(os.environ["BENCHMARK_PORT_3"]),
    )
    with Triton(
        config=config, workspace=str(Path(os.environ["BENCHMARK_SCRATCH"], f"pytriton-{os.getpid()}"))
    ) as triton:
        triton.bind(
            model_name="benchmark",
            infer_func=[infer] * settings.workers if settings.workers > 1 else infer,
            inputs=[Tensor(name="image", dtype=bytes, shape=(1,)), Tensor(name="text", dtype=bytes, shape=(1,))],
            outputs=[Tensor(name="probabilities", dtype=np.float32, shape=(len(classifier.labels),))],
            config=ModelConfig(
                batching=True,
                max_batch_size=settings.batch,
                batcher=DynamicBatcher(max_queue_delay_microseconds=0),
            ),
        )
        triton.serve()


if __name__ == "__main__":
    main()
