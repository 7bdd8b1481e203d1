"""Clients that send slowly, too much at once or not to the end: the service goes on, and memory stays."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import product

import httpx
import pytest

from tests.service.hostile.refusals import JSON, MEGABYTE, refused, resident
from tests.service.running import wait_until
from tests.service.wire import read_to_end, statuses

HEAD = "POST /predict?timeout_ms=300 HTTP/1.1\r\nHost: a\r\nContent-Type: {}\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_stops_coming_is_given_up_at_its_deadline(content_type: str, address: tuple[str, int]) -> None:
    begun = time.perf_counter()

    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(HEAD.format(content_type).encode() + b'--x\r\nContent-Disposition: form-data; name="text"')
        received = connection.recv(65536)

    assert statuses(received) == [408]
    assert 0.2 < time.perf_counter() - begun < 3


def test_many_who_hang_up_in_the_middle_of_a_body_leave_nothing_behind(address: tuple[str, int]) -> None:
    for content_type, length in product(("application/json", "multipart/form-data; boundary=x"), (0, 10, 999)):
        for _ in range(10):
            with socket.create_connection(address, timeout=10) as connection:
                connection.sendall(HEAD.format(content_type).encode() + b"x" * length)


def test_more_than_is_kept_at_a_time_is_told_as_too_busy(address: tuple[str, int], client: httpx.Client) -> None:
    head = HEAD.replace("1000", str(8 * MEGABYTE)).replace("=300", "=1500").format("application/json").encode()
    held = [socket.create_connection(address) for _ in range(4)]
    try:
        for connection in held:
            connection.sendall(head + b" " * (8 * MEGABYTE - 1))

        def is_full() -> bool:
            return client.post("/predict", content=b" " * 100, headers=JSON).status_code == 503

        wait_until(is_full, timeout_s=3)
        response = client.post("/predict", content=b" " * 100, headers=JSON)
    finally:
        for connection in held:
            connection.close()

    assert refused(response, 503) == 503
    assert response.headers["retry-after"] == "1"
    # What the closed connections held is free as soon as that is noticed.
    wait_until(lambda: client.post("/predict", content=b" " * 100, headers=JSON).status_code != 503, timeout_s=10)


def test_bodies_that_stand_still_keep_others_out_for_a_moment_only(
    address: tuple[str, int], client: httpx.Client
) -> None:
    head = HEAD.replace("1000", str(8 * MEGABYTE)).replace("=300", "=600000").format("application/json").encode()

    with ExitStack() as held:
        connections = [held.enter_context(socket.create_connection(address, timeout=10)) for _ in range(4)]
        for connection in connections:
            connection.sendall(head + b" " * (8 * MEGABYTE - 1))

        def status() -> int:
            return client.post("/predict", content=b" " * 100, headers=JSON).status_code

        wait_until(lambda: status() == 503, timeout_s=3)
        wait_until(lambda: status() == 400, timeout_s=3)
        assert [statuses(connection.recv(65536)) for connection in connections] == [[408]] * 4


def test_requests_sent_behind_one_another_without_end_are_not_all_kept(address: tuple[str, int]) -> None:
    requests = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 20_000
    before, end = resident("VmRSS"), time.monotonic() + 2

    with socket.create_connection(address, timeout=1) as connection, ThreadPoolExecutor(1) as reader:
        reader.submit(read_to_end, connection)
        with suppress(OSError):
            while time.monotonic() < end:
                connection.sendall(requests)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    assert resident("VmRSS") - before < 50 * MEGABYTE
