"""What is looked up at the moment Prometheus asks: queues, models, bodies."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, Protocol

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Queue = Literal["predict", "explain"]


class Waiting(Protocol):
    """A queue; `service.engine.pipeline.Pipeline` is the real one."""

    @property
    def waiting(self) -> int:
        """Examples accepted and not yet answered."""


class State(Protocol):
    """A version of a model."""

    @property
    def version(self) -> int:
        """Its number."""

    @property
    def state(self) -> str:
        """What has become of it, in one of a few words."""


class Models(Protocol):
    """The models and their versions; `service.store.Store` is the real one."""

    def names(self) -> Sequence[str]:
        """Of all models that were found."""

    def states(self, name: str) -> Sequence[State]:
        """Of all versions of a model that were found."""


class Gauges(Collector):
    """Gauges that nobody has to keep up to date.

    `models` and `pending_bytes` are set when they are there; until then their gauges have no values.
    """

    def __init__(self) -> None:
        # Held weakly: a version that is put away takes its queues with it.
        self._queues: list[tuple[str, Queue, weakref.ref[Waiting]]] = []
        self.models: Models | None = None
        self.pending_bytes: Callable[[], int] | None = None

    def watch_queue(self, model: str, waiting: Waiting, queue: Queue) -> None:
        """Adds a queue of a model for as long as it exists."""
        alive = [entry for entry in self._queues if entry[2]() is not None]
        self._queues = [*alive, (model, queue, weakref.ref(waiting))]

    def collect(self) -> Iterator[Metric]:
        """The gauges as they are now."""
        lengths: Counter[tuple[str, str]] = Counter()
        for model, queue, reference in self._queues:
            if (waiting := reference()) is not None:
                lengths[model, queue] += waiting.waiting
        length = GaugeMetricFamily(
            "bifocal_queue_length", "Examples accepted and not yet answered.", labels=("model", "queue")
        )
        for labels, number in lengths.items():
            length.add_metric(labels, number)
        yield length

        info = GaugeMetricFamily(
            "bifocal_model_info", "1 for each version of a model.", labels=("model", "version", "state")
        )
        for name in self.models.names() if self.models else ():
            for one in self.models.states(name) if self.models else ():
                info.add_metric((name, str(one.version), one.state), 1)
        yield info

        pending = GaugeMetricFamily(
            "bifocal_pending_body_bytes", "Bytes of request bodies and unsent answers that are held."
        )
        if self.pending_bytes is not None:
            pending.add_metric((), self.pending_bytes())
        yield pending
