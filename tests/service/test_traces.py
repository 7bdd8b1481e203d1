"""Spans as OpenTelemetry's own tools receive them."""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from model.errors import SpecError
from service.observation.exchange import Exchange
from service.observation.metrics import Metrics
from service.observation.observing import Observing
from service.observation.traces import Traces
from tests.service.running import ask

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="bifocal[traces] is not installed")

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(exporter: InMemorySpanExporter) -> Iterator[Traces]:
    traces = Traces(SimpleSpanProcessor(exporter))
    yield traces
    traces.close()


def answered(**fields: Any) -> Exchange:
    stages = {"parse": 0.01, "decode": 0.02, "queue": 0.03, "infer": 0.04, "respond": 0.05}
    given = {"route": "/predict", "status": 200, "model": "mugs", "version": 3, "examples": 2, "stages": stages}
    return Exchange("order-7", "POST", **given | fields)


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def duration(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9


def test_a_request_is_a_span_that_says_what_it_was(traces: Traces, exporter: InMemorySpanExporter) -> None:
    trace_id = traces.record(answered(), 0.2, {})

    span = by_name(exporter)["POST /predict"]
    assert span.attributes == {
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
        "bifocal.request_id": "order-7",
        "bifocal.model": "mugs",
        "bifocal.version": 3,
        "bifocal.examples": 2,
    }
    assert (span.kind.name, span.parent, f"{span.context.trace_id:032x}") == ("SERVER", None, trace_id)
    assert duration(span) == pytest.approx(0.2, abs=1e-3)
    assert span.resource.attributes["service.name"] == "bifocal"


def test_stages_are_below_it_in_order_and_inside(traces: Traces, exporter: InMemorySpanExporter) -> None:
    traces.record(answered(), 0.2, {})

    *stages, request = exporter.get_finished_spans()
    assert [span.name for span in stages] == ["parse", "decode", "queue", "infer", "respond"]
    assert [duration(span) for span in stages] == pytest.approx([0.01, 0.02, 0.03, 0.04, 0.05], abs=1e-3)
    assert {span.parent.span_id for span in stages if span.parent} == {request.context.span_id}
    edges = [request.start_time, *(at for span in stages for at in (span.start_time, span.end_time)), request.end_time]
    assert edges == sorted(edges, key=lambda at: at or 0)
    assert stages[-1].end_time == request.end_time


def test_a_callers_trace_goes_on(traces: Traces, exporter: InMemorySpanExporter) -> None:
    trace_id = traces.record(answered(), 0.1, {"traceparent": PARENT, "tracestate": "shop=1"})

    span = by_name(exporter)["POST /predict"]
    assert trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    assert span.context.trace_state.get("shop") == "1"


@pytest.mark.parametrize("header", ["", "00-xyz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "\xff" * 300])
def test_a_header_that_is_none_begins_a_trace(header: str, traces: Traces, exporter: InMemorySpanExporter) -> None:
    traces.record(answered(), 0.1, {"traceparent": header})

    assert by_name(exporter)["POST /predict"].parent is None


def test_a_trace_that_its_caller_does_not_sample_is_not_sent(traces: Traces, exporter: InMemorySpanExporter) -> None:
    assert traces.record(answered(), 0.1, {"traceparent": PARENT[:-1] + "0"}) == "0af7651916cd43dd8448eb211c80319c"

    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize(("status", "code"), [(422, StatusCode.UNSET), (503, StatusCode.ERROR)])
def test_only_what_is_not_the_callers_fault_is_an_error(
    status: int, code: StatusCode, traces: Traces, exporter: InMemorySpanExporter
) -> None:
    traces.record(answered(status=status, problem="overloaded", stages={}), 0.1, {})

    (span,) = exporter.get_finished_spans()
    assert span.status.status_code == code
    assert (span.attributes or {})["error.type"] == "overloaded"


def test_the_name_of_the_service_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    exporter = InMemorySpanExporter()
    Traces(SimpleSpanProcessor(exporter)).record(answered(), 0.1, {})

    assert exporter.get_finished_spans()[0].resource.attributes["service.name"] == "shop"


def test_every_request_is_recorded_with_the_headers_it_came_with(
    traces: Traces, exporter: InMemorySpanExporter
) -> None:
    async def hello(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("hello")(scope, receive, send)

    app = Observing(hello, metrics=Metrics(), traces=traces)
    ask(app, "POST", headers={"TraceParent": PARENT})

    span = by_name(exporter)["POST unmatched"]
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"


def test_spans_travel_to_a_collector_and_the_last_ones_when_the_service_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        thread = Thread(target=collector.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
        traces = Traces.sent()
        traces.record(answered(), 0.1, {})
        traces.close()
        collector.shutdown()
        thread.join()

    ((path, body),) = received
    assert path == "/v1/traces"
    assert b"POST /predict" in body


def test_the_service_ends_though_no_collector_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    traces = Traces.sent()
    traces.record(answered(), 0.1, {})

    started = time.perf_counter()
    traces.close(timeout_s=0.2)
    assert time.perf_counter() - started < 2


def test_without_the_package_an_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("opentelemetry"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        SpecError, match=r"BIFOCAL_TRACES is on, but .*No module named.* pip install 'bifocal\[traces\]'"
    ):
        Traces.sent()
