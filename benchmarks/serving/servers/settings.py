"""What a peer is told by the benchmark, through the environment: `BENCHMARK_WORKERS=2` and so on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PeerSettings:
    """How a peer is run.

    Args:
        saved_model: the directory of the SavedModel.
        port: to listen on, at 127.0.0.1.
        workers: processes or instances that each hold the model.
        threads: requests that one worker handles at once, where a peer has such a setting.
        batch: requests that are put together at most; 1 for no batching.
        intra_op: threads that TensorFlow gives one operation, in each worker.
        decode_threads: that decode the pictures of a batch.
    """

    saved_model: Path
    port: int
    workers: int
    threads: int
    batch: int
    intra_op: int
    decode_threads: int


def peer_settings() -> PeerSettings:
    """Those of this process."""
    numbers = {
        name: int(os.environ.get(f"BENCHMARK_{name.upper()}", default))
        for name, default in {
            "port": 8000,
            "workers": 1,
            "threads": 1,
            "batch": 1,
            "intra_op": 2,
            "decode_threads": 1,
        }.items()
    }
    return PeerSettings(saved_model=Path(os.environ["BENCHMARK_SAVED_MODEL"]), **numbers)
