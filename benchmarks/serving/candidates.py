"""Who is measured, and the ways in which each peer is tried before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.serving.wires import BENTOML_JSON, MULTIPART, OURS, V2_BINARY, V2_JSON, Wire

_SERVERS = "benchmarks.serving.servers"
# Rounding differs with the batch that a request is in. A lower precision, where ours chooses one, differs more: what
# the service itself allows for the golden examples has to hold for all that is asked.
ROUNDING, LOWER_PRECISION = 1e-4, 2e-2


@dataclass(frozen=True)
class Variant:
    """A way to run a server.

    Args:
        name: what is special about it.
        arguments: after the environment's interpreter; `{port}` and `{models}` are filled in.
        wire: how it is asked.
        environment: variables it is given.
    """

    name: str
    arguments: Sequence[str]
    wire: Wire
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A server.

    Args:
        name: as tables have it.
        requirements: name of its environment; None for the one that runs the benchmark.
        variants: ways to run it; of several the best is found by trying.
        tolerance: how far its probabilities may be from those of the SavedModel.
    """

    name: str
    requirements: str | None
    variants: Sequence[Variant]
    tolerance: float = ROUNDING


def _peer(
    arguments: Sequence[str],
    wire: Wire,
    *,
    workers: int = 1,
    threads: int = 1,
    batch: int = 1,
    intra_op: int = 2,
    decode: int = 1,
    onednn: bool = False,
) -> Variant:
    values = {"workers": workers, "threads": threads, "batch": batch, "intra_op": intra_op, "decode_threads": decode}
    said = [f"workers {workers}", f"threads {threads}", f"batch {batch}", f"intra-op {intra_op}", f"decoding {decode}"]
    environment = {f"BENCHMARK_{name.upper()}": str(value) for name, value in values.items()}
    # Said either way: `model`, which decodes, would say it for processes that a server starts.
    environment["TF_ENABLE_ONEDNN_OPTS"] = str(int(onednn))
    said.append("oneDNN" if onednn else "Eigen")
    return Variant(", ".join(said), arguments, wire, environment)


def _both(arguments: Sequence[str], wire: Wire, **settings: int) -> list[Variant]:
    """With TensorFlow's own kernels and with oneDNN's, one of which is its choice on the CPU at hand."""
    return [_peer(arguments, wire, **settings, onednn=onednn) for onednn in (True, False)]


_FASTAPI = ("-m", f"{_SERVERS}.fastapi_server")
_LITSERVE = ("-m", f"{_SERVERS}.litserve_server")
_MLSERVER = ("-m", f"{_SERVERS}.mlserver_runtime")
_PYTRITON = ("-m", f"{_SERVERS}.pytriton_server")
_BENTOML = ("-m", "bentoml", "serve", "--host", "127.0.0.1", "--port", "{port}")
_BENTOML_SINGLE = (*_BENTOML, f"{_SERVERS}.bentoml_single:Single")
_BENTOML_BATCHING = (*_BENTOML, f"{_SERVERS}.bentoml_batching:Batching")
_OURS = ("-m", "service", "serve", "{models}", "--host", "127.0.0.1", "--port", "{port}")

OURS_NAME, FLOAT32_NAME, TENSORFLOW_NAME = "ours", "ours, float32", "ours, TensorFlow"

CANDIDATES = (
    Candidate(OURS_NAME, None, [Variant("defaults", _OURS, OURS)], LOWER_PRECISION),
    Candidate(FLOAT32_NAME, None, [Variant("float32", _OURS, OURS, {"BIFOCAL_PRECISION": "float32"})]),
    Candidate(TENSORFLOW_NAME, None, [Variant("as saved", _OURS, OURS, {"BIFOCAL_BACKEND": "tensorflow-float32"})]),
    Candidate(
        "FastAPI",
        "fastapi",
        [
            *_both(_FASTAPI, MULTIPART, threads=40, intra_op=2),
            *_both(_FASTAPI, MULTIPART, threads=2, intra_op=1),
            *_both(_FASTAPI, MULTIPART, threads=4, intra_op=2),
            *_both(_FASTAPI, MULTIPART, workers=2, threads=40, intra_op=1),
            *_both(_FASTAPI, MULTIPART, workers=2, threads=2, intra_op=1),
        ],
    ),
    Candidate(
        "LitServe",
        "litserve",
        [
            *_both(_LITSERVE, MULTIPART, intra_op=2),
            *_both(_LITSERVE, MULTIPART, workers=2, intra_op=1),
            *_both(_LITSERVE, MULTIPART, batch=16, intra_op=2, decode=2),
            *_both(_LITSERVE, MULTIPART, batch=32, intra_op=2, decode=2),
            *_both(_LITSERVE, MULTIPART, workers=2, batch=16, intra_op=1),
        ],
    ),
    Candidate(
        "BentoML",
        "bentoml",
        [
            *_both(_BENTOML_SINGLE, MULTIPART, threads=4, intra_op=2),
            *_both(_BENTOML_SINGLE, MULTIPART, workers=2, threads=2, intra_op=1),
            *_both(_BENTOML_BATCHING, BENTOML_JSON, threads=1, batch=32, intra_op=2, decode=2),
            *_both(_BENTOML_BATCHING, BENTOML_JSON, threads=2, batch=16, intra_op=1, decode=2),
            *_both(_BENTOML_BATCHING, BENTOML_JSON, workers=2, batch=16, intra_op=1),
        ],
    ),
    Candidate(
        "MLServer",
        "mlserver",
        [
            *_both(_MLSERVER, V2_JSON, workers=0, threads=4, intra_op=2),
            *_both(_MLSERVER, V2_JSON, workers=0, threads=1, batch=32, intra_op=2, decode=2),
            *_both(_MLSERVER, V2_JSON, workers=1, threads=2, intra_op=2),
            *_both(_MLSERVER, V2_JSON, workers=1, threads=1, batch=32, intra_op=2, decode=2),
            *_both(_MLSERVER, V2_JSON, workers=2, threads=1, batch=16, intra_op=1),
        ],
    ),
    Candidate(
        "Triton (pytriton)",
        "pytriton",
        [
            *_both(_PYTRITON, V2_BINARY, batch=1, intra_op=2),
            *_both(_PYTRITON, V2_BINARY, batch=32, intra_op=2, decode=2),
            *_both(_PYTRITON, V2_BINARY, batch=16, intra_op=1, decode=2),
            *_both(_PYTRITON, V2_BINARY, workers=2, batch=16, intra_op=1),
            *_both(_PYTRITON, V2_BINARY, workers=2, batch=16, intra_op=2, decode=2),
        ],
    ),
)
