"""The best settings of each peer: some are tried for a few seconds, with many clients and with one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http.client import HTTPException
from pathlib import Path

from benchmarks.serving.candidates import CANDIDATES, Candidate, Variant
from benchmarks.serving.questions import Questions
from benchmarks.serving.running import started

MANY = 64
_WARM_UP_S = 1.0


@dataclass(frozen=True)
class Trial:
    """What one way to run a server came to.

    Args:
        variant: its name.
        requests_per_s: with many clients.
        p50_ms: with one client.
        failure: why it was not tried, or none.
    """

    variant: str
    requests_per_s: float = 0.0
    p50_ms: float = float("inf")
    failure: str | None = None


@dataclass(frozen=True)
class Tuned:
    """The ways that were found best.

    Args:
        throughput: name of the variant with most requests a second with many clients.
        latency: name of the one with the lowest p50 with one client.
        trials: all that was tried.
    """

    throughput: str
    latency: str
    trials: tuple[Trial, ...]


def tune(
    candidate: Candidate, *, models: Path, saved_model: Path, questions: Questions, size: str, seconds: float
) -> Tuned:
    """Tries all variants of a peer.

    Args:
        candidate: which.
        models: folder of models.
        saved_model: the directory of the SavedModel.
        questions: what is asked.
        size: of the pictures, one of theirs.
        seconds: of load, each time.

    Raises:
        RuntimeError: if none of them works.
    """
    trials = []
    for variant in candidate.variants:
        trial = _try(candidate, variant, models, saved_model, questions, size, seconds)
        said = trial.failure or f"{trial.requests_per_s:7.0f} requests/s, p50 at one client {trial.p50_ms:6.1f} ms"
        print(f"  {candidate.name:<18} {variant.name:<58} {said}", flush=True)
        trials.append(trial)
    working = [trial for trial in trials if not trial.failure]
    if not working:
        raise RuntimeError(f"No variant of {candidate.name} works; the last one: {trials[-1].failure}")
    most = max(working, key=lambda trial: trial.requests_per_s)
    quickest = min(working, key=lambda trial: trial.p50_ms)
    print(f"  {candidate.name:<18} best: {most.variant}; at one client: {quickest.variant}", flush=True)
    return Tuned(most.variant, quickest.variant, tuple(trials))


def _try(
    candidate: Candidate,
    variant: Variant,
    models: Path,
    saved_model: Path,
    questions: Questions,
    size: str,
    seconds: float,
) -> Trial:
    try:
        with started(candidate, variant, models=models, saved_model=saved_model, asked=questions.first) as server:
            difference = questions.difference(server)
            if not difference <= candidate.tolerance:
                return Trial(variant.name, failure=f"answers something else: probabilities differ by {difference:.2g}")
            file = questions.file(size, server)
            found = {}
            server.settle()
            for clients in (MANY, 1):
                found[clients] = server.load(file, clients=clients, seconds=seconds, warm_up_s=_WARM_UP_S)
                if found[clients].failed:
                    return Trial(variant.name, failure=f"{found[clients].failed} requests failed")
            return Trial(variant.name, found[MANY].requests_per_s, found[1].quantile_ms(50))
    except (RuntimeError, ValueError, LookupError, OSError, HTTPException) as error:
        return Trial(variant.name, failure=str(error) or repr(error))


def write(file: Path, tuned: Mapping[str, Tuned]) -> None:
    """Keeps what was found."""
    file.write_text(json.dumps({name: asdict(one) for name, one in tuned.items()}, indent=1), encoding="utf-8")


def read(file: Path) -> dict[str, Tuned]:
    """What `write` kept; of names that are still those of candidates and variants."""
    if not file.is_file():
        return {}
    variants = {candidate.name: {variant.name for variant in candidate.variants} for candidate in CANDIDATES}
    found = {}
    for name, one in json.loads(file.read_text(encoding="utf-8")).items():
        if {trial["variant"] for trial in one["trials"]} == variants.get(name):
            trials = tuple(Trial(**trial) for trial in one["trials"])
            found[name] = Tuned(one["throughput"], one["latency"], trials)
    return found
