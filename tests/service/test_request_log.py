"""A line of JSON a request, and no request that waits for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from service.observation.exchange import Exchange
from service.observation.request_log import RequestLog, line
from tests.service.running import wait_until


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: where to read from, where to write to."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def lines(reader: int) -> list[dict[str, object]]:
    return [json.loads(text) for text in os.read(reader, 1 << 20).decode("ascii").splitlines()]


def answered(**fields: object) -> Exchange:
    return Exchange("order-7", **{"method": "POST", "route": "/predict", "status": 200, **fields})  # type: ignore[arg-type]


def test_a_line_says_what_became_of_a_request(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    exchange = answered(
        model="mugs", version=3, key="shop", examples=2, absent={"text": 1}, stages={"infer": 0.0123456}
    )
    with RequestLog(writer) as log:
        log.write(exchange, 0.25, trace_id="0af7")

    (found,) = lines(reader)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(found.pop("time")))
    assert found == {
        "level": "info",
        "request_id": "order-7",
        "trace_id": "0af7",
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "model": "mugs",
        "version": 3,
        "key": "shop",
        "examples": 2,
        "absent": {"text": 1},
        "seconds": 0.25,
        "stages": {"infer": 0.012346},
    }


@pytest.mark.parametrize(
    ("status", "level"), [(200, "info"), (404, "warning"), (499, "warning"), (500, "error"), (503, "warning")]
)
def test_only_our_own_errors_are_errors(status: int, level: str) -> None:
    assert line(datetime.now(UTC), answered(status=status), 0.1)["level"] == level


@pytest.mark.parametrize(
    ("route", "status", "count"), [("/healthz", 200, 0), ("/metrics", 200, 0), ("/readyz", 503, 1), ("/models", 200, 1)]
)
def test_a_probe_has_a_line_only_if_it_fails(route: str, status: int, count: int, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    with RequestLog(writer) as log:
        log.write(answered(route=route, status=status), 0.1)
    os.close(writer)

    assert len(lines(reader)) == count


def test_whatever_a_client_writes_stays_inside_its_line(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    evil = 'red"}\n{"level": "error"}\u2028\x1b[31m\ud800'
    with RequestLog(writer) as log:
        log.write(answered(inputs=[{"text": evil}]), 0.1)

    assert [found["inputs"] for found in lines(reader)] == [[{"text": evil}]]


def test_a_reader_who_sleeps_holds_up_nobody_and_costs_lines_that_are_counted(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    dropped: list[None] = []
    log = RequestLog(writer, on_dropped=lambda: dropped.append(None), max_waiting=10)

    started = time.perf_counter()
    for _ in range(2000):  # some 300 kB into a pipe of 64
        log.write(answered(), 0.1)
        time.sleep(0)
    assert time.perf_counter() - started < 1
    assert 100 < len(dropped) < 2000

    found = []
    wait_until(lambda: found.extend(lines(reader)) or len(found) + len(dropped) == 2000)
    log.close()


def fill(writer: int) -> int:
    """Writes to a pipe until nothing more goes in; leaves it non-blocking. Gives the number of bytes."""
    os.set_blocking(writer, False)
    written = 0
    with suppress(BlockingIOError):
        while True:
            written += os.write(writer, b"\n" * 512)
    return written


def test_a_log_that_nobody_reads_is_given_up_in_time(pipe: tuple[int, int]) -> None:
    _, writer = pipe
    fill(writer)
    os.set_blocking(writer, True)
    log = RequestLog(writer, max_waiting=1)
    for _ in range(3):
        log.write(answered(), 0.1)

    started = time.perf_counter()
    log.close(timeout_s=0.1)
    assert time.perf_counter() - started < 1


def test_a_process_ends_though_nobody_reads_its_log() -> None:
    script = """from service.observation.exchange import Exchange
from service.observation.request_log import RequestLog
log = RequestLog(1)
for _ in range(2000):
    log.write(Exchange("x" * 100, "GET"), 0.1)
log.close(timeout_s=0.2)"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_reader_who_has_gone_costs_lines_and_not_the_thread(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)
    dropped: list[None] = []
    with RequestLog(writer, on_dropped=lambda: dropped.append(None)) as log:
        for _ in range(2):
            log.write(answered(), 0.1)

    assert len(dropped) == 2


def test_a_line_that_can_t_be_made_is_lost_and_told_and_those_after_it_are_not(
    pipe: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = pipe
    dropped: list[None] = []
    with RequestLog(writer, on_dropped=lambda: dropped.append(None)) as log:
        log.write(answered(inputs=[{"text": object()}]), 0.1)
        log.write(answered(), 0.1)
    os.close(writer)

    assert [found["status"] for found in lines(reader)] == [200]
    assert len(dropped) == 1
    assert caplog.messages == ["request order-7 could not be logged"]


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    full = fill(writer)
    log = RequestLog(writer)
    log.write(answered(), 0.1)
    time.sleep(0.1)

    found = b""
    while len(found.strip()) == 0 or not found.endswith(b"}\n"):
        found += os.read(reader, 1 << 16)
    log.close()
    assert found[:full].strip() == b""
    assert json.loads(found[full:])["status"] == 200


def test_messages_of_the_server_go_to_standard_error_and_none_is_about_a_request() -> None:
    script = """import logging.config
from service.observation.request_log import log_config
logging.config.dictConfig(log_config())
logging.getLogger("uvicorn.access").info("GET /")
logging.getLogger("python_multipart.multipart").warning("a broken form")
logging.getLogger("bifocal").info("model mugs version 3 is ready")"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert run.stdout == ""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO:     model mugs version 3 is ready\n", run.stderr)
