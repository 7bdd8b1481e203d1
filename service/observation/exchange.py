"""One request on its way to its answer: what the log, the metrics and the traces say of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from starlette.requests import Request

# parse: read and checked; decode: pictures decoded; queue: waiting; infer: the model; respond: the answer written.
# decode, queue and infer are those of the example that was answered last.
Stage = Literal["parse", "decode", "queue", "infer", "respond"]
STAGES: tuple[Stage, ...] = ("parse", "decode", "queue", "infer", "respond")


@dataclass
class Exchange:
    """A request and what has become of it.

    Args:
        id: the caller's `X-Request-ID`, or one made here.
        method: of the request.
        route: the path as the routes have it ("/models/{name}"), so that metrics don't grow with what clients send.
        started: when its headers were there, by `time.perf_counter()`.
        stages: seconds spent in each stage so far.
        status: of the answer.
        key: name of the API key it carried.
        model: name of the model that answers.
        version: of that model.
        examples: number of examples it asks about.
        problem: the last part of the problem's `type`, if it was refused.
        absent: for each input the number of examples that came without it.
        predicted: for each head and label how often it was the first choice.
        confidences: the first choices' probabilities.
        inputs: texts, sizes and digests, if the log may have them.
    """

    id: str
    method: str
    route: str = ""
    started: float = field(default_factory=time.perf_counter)
    stages: dict[Stage, float] = field(default_factory=dict)
    status: int = 0
    key: str | None = None
    model: str | None = None
    version: int | None = None
    examples: int = 0
    problem: str | None = None
    absent: dict[str, int] = field(default_factory=dict)
    predicted: dict[tuple[str, str], int] = field(default_factory=dict)
    confidences: dict[str, list[float]] = field(default_factory=dict)
    inputs: list[dict[str, object]] | None = None

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Adds the time that passes inside to a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - begun

    def server_timing(self) -> str:
        """The stages so far, as the header `Server-Timing` has them (W3C Server Timing): in milliseconds."""
        return ", ".join(f"{name};dur={1000 * self.stages[name]:.3f}" for name in STAGES if name in self.stages)


def exchange_of(request: Request) -> Exchange:
    """The exchange that a request is part of."""
    exchange: Exchange = request.state.exchange
    return exchange
