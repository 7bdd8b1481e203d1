"""OpenTelemetry traces: a span for each request, and one below it for each stage. Needs `bifocal[traces]`."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

from model.errors import SpecError
from service.observation.exchange import STAGES, Exchange

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span

CLOSE_S = 5.0


class Traces:
    """Makes a span of each request once it has ended, as part of the trace that the caller's `traceparent` names.

    The provider is this application's own; nothing is set for the whole process.

    Args:
        processor: takes spans that have ended, and must not block.
    """

    def __init__(self, processor: SpanProcessor) -> None:
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        ours = Resource({"service.name": "bifocal", "service.version": version("bifocal")})
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count more.
        self._provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("bifocal", version("bifocal"))
        self._propagator = TraceContextTextMapPropagator()

    @classmethod
    def sent(cls) -> Self:
        """Traces that are sent in batches, over HTTP, to where the variables OTEL_EXPORTER_OTLP_... say.

        Raises:
            SpecError: if OpenTelemetry is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise SpecError(
                f"BIFOCAL_TRACES is on, but OpenTelemetry is not installed ({error}). Install it with "
                "pip install 'bifocal[traces]', or leave BIFOCAL_TRACES out."
            ) from None
        return cls(BatchSpanProcessor(OTLPSpanExporter()))

    def record(self, exchange: Exchange, seconds: float, headers: Mapping[str, str]) -> str:
        """Records a request that has just ended.

        Args:
            exchange: what has become of it.
            seconds: that it took.
            headers: of the request, their names in lower case.

        Returns:
            The id of its trace, 32 hexadecimal digits.
        """
        from opentelemetry.trace import SpanKind, Status, StatusCode, format_trace_id, set_span_in_context

        ended = time.time_ns()
        started = ended - int(seconds * 1e9)
        carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        span = self._tracer.start_span(
            f"{exchange.method} {exchange.route}",
            self._propagator.extract(carrier),
            SpanKind.SERVER,
            _attributes(exchange),
            start_time=started,
        )
        if span.is_recording():
            if exchange.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))
            self._record_stages(exchange, set_span_in_context(span), started, ended)
        span.end(ended)
        return format_trace_id(span.get_span_context().trace_id)

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Sends what waits, as far as that is possible in this time."""
        # Where nobody listens, the exporter tries again and again: the service ends nevertheless.
        closing = threading.Thread(target=self._provider.shutdown, name="traces-close", daemon=True)
        closing.start()
        closing.join(timeout_s)

    def _record_stages(self, exchange: Exchange, context: Context, started: int, ended: int) -> None:
        """Lasting as long as they did; where they lie is a guess, as only their durations were kept."""
        durations = {stage: int(exchange.stages.get(stage, 0.0) * 1e9) for stage in STAGES}
        at = started
        for stage, duration in durations.items():
            if duration:
                begun = max(at, ended - duration) if stage == "respond" else at
                span: Span = self._tracer.start_span(stage, context, start_time=begun)
                at = min(begun + duration, ended)
                span.end(at)


def _attributes(exchange: Exchange) -> dict[str, str | int]:
    """As https://opentelemetry.io/docs/specs/semconv/http/http-spans/ names them, and our own."""
    attributes: dict[str, str | int | None] = {
        "http.request.method": exchange.method,
        "http.route": exchange.route,
        "http.response.status_code": exchange.status,
        "error.type": exchange.problem,
        "bifocal.request_id": exchange.id,
        "bifocal.model": exchange.model,
        "bifocal.version": exchange.version,
        "bifocal.examples": exchange.examples or None,
    }
    return {name: value for name, value in attributes.items() if value is not None}
