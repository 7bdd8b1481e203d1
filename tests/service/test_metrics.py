"""What Prometheus reads."""

from __future__ import annotations

import gc
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from service.observation.exchange import STAGES, Exchange
from service.observation.metrics import MAX_LABELS, Metrics
from service.routes import metrics as route
from tests.service.running import ask

DOCS = Path(__file__).parents[2] / "docs"
PROMTOOL = shutil.which("promtool")


def exchange(**fields: object) -> Exchange:
    given = {"route": "/predict", "status": 200, "model": "mugs", "version": 3, "examples": 1} | fields
    return Exchange("order-7", **{"method": "POST", **given})  # type: ignore[arg-type]


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """(name, value of each label in the order of their names) -> value."""
    families = list(read_text(metrics.exposition("")[0].decode()))
    found = [sample for family in families for sample in family.samples]
    return {(one.name, *(value for _, value in sorted(one.labels.items()))): one.value for one in found}


def test_requests_are_counted_by_route_method_and_status() -> None:
    metrics = Metrics()
    for status, seconds in [(200, 0.02), (200, 3.0), (422, 0.001)]:
        metrics.begin()
        metrics.observe(exchange(status=status), seconds)
    metrics.begin()

    found = samples(metrics)
    assert found["bifocal_requests_total", "POST", "/predict", "200"] == 2
    assert found["bifocal_requests_total", "POST", "/predict", "422"] == 1
    assert found["bifocal_requests_in_progress",] == 1
    assert found["bifocal_request_seconds_sum", "/predict"] == pytest.approx(3.021)
    assert found["bifocal_request_seconds_bucket", "0.025", "/predict"] == 2


def test_a_method_that_nobody_knows_makes_no_series_of_its_own() -> None:
    metrics = Metrics()
    for method in ("PROPFIND", "BREW"):
        metrics.observe(exchange(method=method, route="unmatched", status=405), 0.1)

    assert samples(metrics)["bifocal_requests_total", "other", "unmatched", "405"] == 2


def test_every_stage_is_there_from_the_start_and_has_its_seconds() -> None:
    metrics = Metrics()
    assert [samples(metrics)["bifocal_stage_seconds_count", stage] for stage in STAGES] == [0] * 5

    metrics.observe(exchange(stages={"parse": 0.5, "infer": 0.25, "decode": 0.0}), 1)

    assert samples(metrics)["bifocal_stage_seconds_sum", "infer"] == 0.25
    assert [samples(metrics)["bifocal_stage_seconds_count", stage] for stage in STAGES] == [1, 0, 0, 1, 0]


def test_a_request_to_no_model_says_nothing_of_the_stages() -> None:
    metrics = Metrics()
    metrics.observe(exchange(model=None, route="/healthz", stages={"respond": 0.5}), 1)

    assert samples(metrics)["bifocal_stage_seconds_count", "respond"] == 0


@pytest.mark.parametrize(
    ("status", "problem", "count"),
    [(503, "overloaded", 1), (413, "too-large", 1), (500, "internal", None), (499, "client-gone", None)],
)
def test_refusals_are_counted_by_reason_but_not_our_errors_nor_callers_who_left(
    status: int, problem: str, count: int | None
) -> None:
    metrics = Metrics()
    metrics.observe(exchange(status=status, problem=problem), 0.1)

    assert samples(metrics).get(("bifocal_refusals_total", problem)) == count


def test_what_a_model_said_and_was_not_given_is_counted() -> None:
    metrics = Metrics()
    said = {("colour", "red"): 2, ("shape", "round"): 3}
    sure = {"colour": [0.95, 0.42, 1.0], "shape": [0.1]}
    metrics.observe(exchange(examples=3, absent={"text": 2}, predicted=said, confidences=sure), 0.1)

    found = samples(metrics)
    assert found["bifocal_examples_total", "mugs"] == 3
    assert found["bifocal_absent_inputs_total", "text", "mugs"] == 2
    assert found["bifocal_predicted_labels_total", "colour", "red", "mugs"] == 2
    assert found["bifocal_predicted_labels_total", "shape", "round", "mugs"] == 3
    assert found["bifocal_confidence_bucket", "colour", "0.5", "mugs"] == 1
    assert found["bifocal_confidence_bucket", "colour", "0.95", "mugs"] == 2
    assert found["bifocal_confidence_count", "colour", "mugs"] == 3


def test_labels_without_number_end_in_one_series() -> None:
    metrics = Metrics()
    for number in range(MAX_LABELS + 5):
        metrics.observe(exchange(predicted={("colour", f"shade {number}"): 1}), 0.1)
    metrics.observe(exchange(predicted={("colour", "shade 0"): 1}), 0.1)

    found = {labels[2]: value for labels, value in samples(metrics).items() if "predicted_labels" in labels[0]}
    assert len(found) == MAX_LABELS + 1
    assert (found["shade 0"], found["(other)"]) == (2, 5)


def test_batches_are_watched_by_model_and_queue() -> None:
    metrics = Metrics()
    for size in (1, 8, 32):
        metrics.watcher("mugs").batch_ran(size, 0.01)
    metrics.watcher("mugs", "explain").batch_ran(1, 2)

    found = samples(metrics)
    assert found["bifocal_batch_size_bucket", "8.0", "mugs", "predict"] == 2
    assert found["bifocal_batch_size_sum", "mugs", "predict"] == 41
    assert found["bifocal_batch_seconds_sum", "mugs", "explain"] == 2


@dataclass(eq=False)
class Line:
    waiting: int


def test_queues_of_a_model_are_added_up_as_long_as_they_exist() -> None:
    metrics = Metrics()
    old, new, explaining = Line(2), Line(3), Line(7)
    metrics.watch_queue("mugs", old)
    metrics.watch_queue("mugs", new)
    metrics.watch_queue("mugs", explaining, "explain")
    assert samples(metrics)["bifocal_queue_length", "mugs", "predict"] == 5

    del old
    gc.collect()
    assert samples(metrics)["bifocal_queue_length", "mugs", "predict"] == 3
    assert samples(metrics)["bifocal_queue_length", "mugs", "explain"] == 7


class Shelf:
    """Models as the store has them."""

    def __init__(self) -> None:
        self.versions = {
            "mugs": [SimpleNamespace(version=3, state="ready"), SimpleNamespace(version=4, state="refused")]
        }

    def names(self) -> list[str]:
        return list(self.versions)

    def states(self, name: str) -> list[SimpleNamespace]:
        return self.versions[name]


def test_versions_and_bodies_are_as_they_are_at_the_moment() -> None:
    metrics, shelf = Metrics(), Shelf()
    metrics.watch_models(shelf)
    metrics.watch_bodies(lambda: 4096)
    assert samples(metrics)["bifocal_model_info", "mugs", "refused", "4"] == 1
    assert samples(metrics)["bifocal_pending_body_bytes",] == 4096

    shelf.versions["mugs"][1].state = "ready"

    assert ("bifocal_model_info", "mugs", "refused", "4") not in samples(metrics)
    assert samples(metrics)["bifocal_model_info", "mugs", "ready", "4"] == 1


def test_two_applications_do_not_share_their_counts() -> None:
    one, other = Metrics(), Metrics()
    one.line_dropped()

    assert (samples(one)["bifocal_log_lines_dropped_total",], samples(other)["bifocal_log_lines_dropped_total",]) == (
        1,
        0,
    )


def busy() -> Metrics:
    """Metrics in which every series is."""
    metrics = Metrics()
    said = {"predicted": {("colour", 'rot "ä"\n'): 1}, "confidences": {"colour": [0.5]}, "absent": {"text": 1}}
    metrics.observe(exchange(status=503, problem="overloaded", stages=dict.fromkeys(STAGES, 0.1), **said), 0.1)
    metrics.watcher("mugs").batch_ran(1, 0.1)
    metrics.watch_models(Shelf())
    metrics.watch_bodies(lambda: 1)
    return metrics


def application(metrics: Metrics) -> FastAPI:
    app = FastAPI()
    app.state.metrics = metrics
    app.include_router(route.router)
    return app


@pytest.mark.parametrize(
    ("accept", "media_type", "read"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8", read_text),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0", read_openmetrics),
        ("application/openmetrics-text;version=1.0.x", "text/plain; version=0.0.4; charset=utf-8", read_text),
        ("text/plain;version=1.x;;q==, \u00e4", "text/plain; version=0.0.4; charset=utf-8", read_text),
    ],
)
def test_a_scraper_gets_the_format_that_it_wants(accept: str, media_type: str, read: type) -> None:
    response = ask(application(busy()), path="/metrics", headers={"Accept": accept.encode("latin-1")})

    assert response.status_code == 200
    assert response.headers["content-type"].startswith(media_type)
    labels = [
        sample.labels["label"]
        for family in read(response.text)
        for sample in family.samples
        if "label" in sample.labels
    ]
    assert labels == ['rot "ä"\n']


def test_the_process_is_seen_too_and_no_series_is_only_a_birthday() -> None:
    text = busy().exposition("")[0].decode()

    assert "process_resident_memory_bytes" in text
    assert "python_gc_collections_total" in text
    assert "_created" not in text


def test_every_metric_is_documented() -> None:
    text = (DOCS / "observability.md").read_text(encoding="utf-8")
    families = read_text(busy().exposition("")[0].decode())
    names = [f"{one.name}_total" if one.type == "counter" else one.name for one in families]

    assert len(names) > 15
    assert [name for name in names if name.startswith("bifocal_") and f"| `{name}`" not in text] == []


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_prometheus_own_tool_has_nothing_against_it() -> None:
    text = busy().exposition("")[0]
    checked = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, check=False)

    assert (checked.returncode, checked.stderr.decode()) == (0, "")
