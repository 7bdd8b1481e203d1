"""What Prometheus is told: counts, times, and what the models say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from service.observation.exchange import STAGES, Exchange
from service.observation.gauges import Gauges, Models, Queue, Waiting

# The smallest model answers within the first, and 30 s is the default deadline.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PROBABILITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Labels of one head that are counted by name. Each is a series that Prometheus keeps, so there has to be an end.
MAX_LABELS = 1000
OTHER_LABELS = "(other)"

# The caller hung up before the answer: what nginx writes for it. No caller ever sees it.
CLIENT_GONE = 499
_NO_REFUSALS = (CLIENT_GONE, HTTPStatus.INTERNAL_SERVER_ERROR)


class Metrics:
    """The metrics of one application, in a registry of their own.

    Every label is a word of this program, of a model or of the models folder, never of what a client sends: nothing
    here grows with the number of requests.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"bifocal_{name}", what, labels, registry=registry)

        def histogram(name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"bifocal_{name}", what, labels, buckets=buckets, registry=registry)

        self._requests = counter("requests", "Requests that have ended.", "route", "method", "status")
        self._in_progress = Gauge("bifocal_requests_in_progress", "Requests not yet answered.", registry=registry)
        self._seconds = histogram("request_seconds", "From the end of headers to the end of answer.", SECONDS, "route")
        self._stages = histogram("stage_seconds", "Time in each stage of requests to models.", SECONDS, "stage")
        self._refusals = counter("refusals", "Requests refused, by the kind of the problem.", "reason")
        self._examples = counter("examples", "Examples that requests asked about.", "model")
        self._absent = counter("absent_inputs", "Examples that came without this input.", "model", "input")
        self._predicted = counter("predicted_labels", "Times a label was the first choice.", "model", "head", "label")
        self._confidence = histogram("confidence", "Probability of the first choice.", PROBABILITIES, "model", "head")
        self._batch_size = histogram("batch_size", "Examples in one call of a model.", SIZES, "model", "queue")
        self._batch_seconds = histogram("batch_seconds", "Time of one call of a model.", SECONDS, "model", "queue")
        self._dropped = counter("log_lines_dropped", "Request log lines lost because nobody read them in time.")
        for stage in STAGES:
            self._stages.labels(stage)  # there from the start, at zero
        self._labels_of: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._gauges = Gauges()
        registry.register(self._gauges)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def begin(self) -> None:
        """A request has come."""
        self._in_progress.inc()

    def observe(self, exchange: Exchange, seconds: float) -> None:
        """A request that `begin` was called for has ended.

        Args:
            exchange: what has become of it.
            seconds: that it took.
        """
        self._in_progress.dec()
        method = exchange.method if exchange.method in METHODS else "other"
        self._requests.labels(exchange.route, method, exchange.status).inc()
        self._seconds.labels(exchange.route).observe(seconds)
        if exchange.problem is not None and exchange.status not in _NO_REFUSALS:
            self._refusals.labels(exchange.problem).inc()
        if exchange.model is not None:
            self._observe_model(exchange, exchange.model)

    def watcher(self, model: str, queue: Queue = "predict") -> BatchWatcher:
        """What the model threads of one queue of a model report to."""
        return BatchWatcher(self._batch_size.labels(model, queue), self._batch_seconds.labels(model, queue))

    def watch_queue(self, model: str, waiting: Waiting, queue: Queue = "predict") -> None:
        """Shows the length of a queue for as long as it exists; queues of several versions of a model are added up."""
        self._gauges.watch_queue(model, waiting, queue)

    def watch_models(self, models: Models) -> None:
        """Shows the versions of the models and their states."""
        self._gauges.models = models

    def watch_bodies(self, pending_bytes: Callable[[], int]) -> None:
        """Shows how many bytes of bodies are held."""
        self._gauges.pending_bytes = pending_bytes

    def refused(self, kind: str) -> None:
        """Something was refused that never became a request: too long headers, one connection too many.

        Args:
            kind: the last part of the problem's `type`.
        """
        self._refusals.labels(kind).inc()

    def line_dropped(self) -> None:
        """A line of the request log is lost."""
        self._dropped.inc()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the format that a scraper wants, and its media type.

        Args:
            accept: the scraper's `Accept`; Prometheus' text format if it wants nothing that is known.
        """
        try:
            encode, media_type = choose_encoder(accept)
        except TypeError:  # "version=1.0.x": the numbers and letters of versions don't compare
            encode, media_type = choose_encoder("")
        return encode(_WithoutBirthdays(self._registry)), media_type

    def _observe_model(self, exchange: Exchange, model: str) -> None:
        for stage, seconds in exchange.stages.items():
            if seconds:  # zero is a stage that a refused request did not come to
                self._stages.labels(stage).observe(seconds)
        if exchange.predicted:  # answered, as those are that the inputs are counted of
            self._examples.labels(model).inc(exchange.examples)
        for name, count in exchange.absent.items():
            self._absent.labels(model, name).inc(count)
        for (head, label), count in exchange.predicted.items():
            self._predicted.labels(model, head, self._counted_label(model, head, label)).inc(count)
        for head, probabilities in exchange.confidences.items():
            confidence = self._confidence.labels(model, head)
            for probability in probabilities:
                confidence.observe(probability)

    def _counted_label(self, model: str, head: str, label: str) -> str:
        labels = self._labels_of[model, head]
        if label not in labels:
            if len(labels) >= MAX_LABELS:
                return OTHER_LABELS
            labels.add(label)
        return label


@dataclass(frozen=True)
class BatchWatcher:
    """Where the model threads of one queue report to; any thread may.

    Args:
        sizes: takes the number of examples of each batch.
        times: takes the seconds that each call of the model took.
    """

    sizes: Histogram
    times: Histogram

    def batch_ran(self, size: int, seconds: float) -> None:
        """A batch of `size` examples took the model this long."""
        self.sizes.observe(size)
        self.times.observe(seconds)


class _WithoutBirthdays(CollectorRegistry):
    """A registry without the `_created` series, which would double the number of counters and which few read.

    The library can leave them out only for all registries of the process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._all = registry

    def collect(self) -> Iterator[Metric]:
        """What the registry has, but for `_created`."""
        for metric in self._all.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
