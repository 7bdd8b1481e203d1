"""Limits on connections and headers, as bytes on the wire."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.intake import protocol
from service.settings import Settings
from tests.service.running import wait_until
from tests.service.wire import listening, problem_in, read_to_end, statuses, talk

END = b"Connection: close\r\n\r\n"
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
Address = tuple[str, int]


async def echo(request: Request) -> PlainTextResponse:
    """The body; the path `/slow` takes a while, and `/early` answers without reading."""
    if request.url.path == "/early":
        return PlainTextResponse("early", 413)
    body = await request.body()
    if request.url.path == "/slow":
        await asyncio.sleep(0.4)
    return PlainTextResponse(body + request.headers.get("x-late", "").encode())


APP = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST", "OPTIONS", "TRACE", "PROPFIND"])])


@pytest.fixture(scope="module")
def refusals() -> list[str]:
    """Kinds of the problems that were answered so far."""
    return []


@pytest.fixture(scope="module")
def address(refusals: list[str]) -> Iterator[Address]:
    with listening(APP, Settings(header_timeout_s=0.3, max_connections=20), on_refusal=refusals.append) as address:
        yield address


def test_an_ordinary_request_is_answered_and_a_second_one_on_its_connection(address: Address) -> None:
    first = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nred"

    received = talk(address, first, CHUNKED + END + b"4\r\nblue\r\n0\r\n\r\n")

    assert statuses(received) == [200, 200]
    assert received.count(b"red") == received.count(b"blue") == 1


@pytest.mark.parametrize(
    "request_line",
    [b"GET http://other.example/healthz HTTP/1.1", b"OPTIONS / HTTP/1.1", b"TRACE / HTTP/1.1", b"PROPFIND / HTTP/1.1",
     b"GET /%ff%00/../x?a=%zz;; HTTP/1.1", b"GET / HTTP/1.0"],
)  # fmt: skip
def test_what_is_odd_but_http_reaches_the_application(request_line: bytes, address: Address) -> None:
    assert statuses(talk(address, request_line + b"\r\nHost: a\r\n" + END)) == [200]


@pytest.mark.parametrize(
    "sent",
    [
        GET + b"".join(b"X-%d: 1\r\n" % number for number in range(100)) + END,
        GET + b"X: " + b"x" * 70_000 + b"\r\n" + END,
        GET + b"X: " + b"x" * 1_000_000,
        GET + b"x" * 1_000_000,
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n" + END,
        GET + b"".join(b"X-%d: %s\r\n" % (number, b"x" * 9000) for number in range(9)) + END,
        b"\r\n" * 40_000,
        CHUNKED + b"\r\n1;" + b"x" * 1_000_000,
        CHUNKED + b"\r\n0\r\nX: " + b"x" * 1_000_000,
    ],
    ids=["many", "one huge", "one without end", "a name without end", "target", "several", "empty lines", "chunk", "trailer"],
)  # fmt: skip
def test_headers_over_the_limit_are_refused(sent: bytes, address: Address, refusals: list[str]) -> None:
    refusals.clear()
    document = problem_in(talk(address, sent))

    assert (document["status"], document["type"]) == (431, "urn:bifocal:problem:headers-too-large")
    assert document["detail"] == "The request line and headers are over 100 lines or 65,536 bytes. Send fewer."
    assert refusals == ["headers-too-large"]


def test_headers_at_the_limit_pass(address: Address) -> None:
    many = GET + b"".join(b"X-%d: 1\r\n" % number for number in range(98)) + END

    assert statuses(talk(address, many)) == [200]
    assert statuses(talk(address, GET + b"X: " + b"x" * 65_000 + b"\r\n" + END)) == [200]


@pytest.mark.parametrize(
    "sent",
    [
        b"no http at all\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        GET + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        GET + b"Content-Length: -1\r\n\r\n",
        GET + b"Content-Length: 1, 1\r\n\r\nx",
        GET + b"Content-Length: 1e3\r\n\r\nx",
        GET + b"Content-Length: " + b"9" * 30 + b"\r\n\r\nx",
        GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GET + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
        GET + b"Transfer-Encoding: chunked, identity\r\n\r\n",
        GET + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        GET + b"A\0B: 1\r\n" + END,
        GET + b"A: 1\0\r\n" + END,
        GET + b"A : 1\r\n" + END,
        GET + b" folded\r\n" + END,
        GET + b"A: 1\nB: 2\r\n" + END,
        GET + b"A: 1\rB: 2\r\n" + END,
        b"GET / x HTTP/1.1\r\nHost: a\r\n" + END,
        b"GET http:// HTTP/1.1\r\nHost: a\r\n" + END,
        CHUNKED + b"\r\nzz\r\n",
        CHUNKED + b"\r\n-1\r\nx\r\n",
        CHUNKED + b"\r\n" + b"f" * 17 + b"\r\nx",
        CHUNKED + b"\r\n1\r\nxx\r\n0\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_or_can_be_read_two_ways_is_malformed(
    sent: bytes, address: Address, refusals: list[str]
) -> None:
    refusals.clear()

    assert problem_in(talk(address, sent))["type"] == "urn:bifocal:problem:malformed"
    assert refusals == ["malformed"]


def test_headers_after_the_body_change_nothing(address: Address) -> None:
    received = talk(address, CHUNKED + END + b"3\r\nred\r\n0\r\nX-Late: blue\r\n\r\n")

    assert statuses(received) == [200]
    assert received.endswith(b"red")


def test_a_request_to_speak_another_protocol_is_answered_in_this_one(address: Address) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n" + upgrade + b"\r\nred"

    received = talk(address, GET + upgrade + b"\r\n" + post + CHUNKED + END + b"4\r\nblue\r\n0\r\n\r\n")

    assert statuses(received) == [200, 200, 200]
    assert received.count(b"red") == received.count(b"blue") == 1


def seconds_until_hung_up(address: Address, sent: bytes, drip: bytes = b"") -> tuple[float, bytes]:
    begun = time.monotonic()
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(sent)
        connection.settimeout(0.05)
        received = b""
        while True:
            try:
                piece = connection.recv(65536)
            except TimeoutError:
                connection.sendall(drip)
            except ConnectionResetError:
                break
            else:
                received += piece
                if not piece:
                    break
    return time.monotonic() - begun, received


@pytest.mark.parametrize("sent", [b"GE", GET, GET + b"X: "])
def test_headers_that_do_not_arrive_are_given_up(sent: bytes, address: Address) -> None:
    for drip in (b"", b"x"):
        seconds, received = seconds_until_hung_up(address, sent, drip)
        if drip and b"400" in received:
            continue  # "GExxx" is no method
        document = problem_in(received)
        assert 0.2 < seconds < 2
        assert (document["status"], document["type"]) == (408, "urn:bifocal:problem:slow-body")
        assert document["detail"] == "The headers did not arrive within 0.3 seconds."


@pytest.mark.parametrize("drip", [b"", b"\r\n"])
def test_a_connection_that_asks_for_nothing_is_closed(drip: bytes, address: Address) -> None:
    seconds, received = seconds_until_hung_up(address, drip, drip)

    assert 0.2 < seconds < 2
    assert received == b""


def test_empty_lines_do_not_keep_an_answered_connection_open(address: Address) -> None:
    seconds, received = seconds_until_hung_up(address, GET + b"\r\n", b"\r\n")

    assert statuses(received) == [200]
    assert 0.2 < seconds < 2


def test_a_body_that_nobody_waits_for_may_not_go_on_for_ever(address: Address) -> None:
    head = b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"

    seconds, received = seconds_until_hung_up(address, head, b"x")

    assert statuses(received) == [413]
    assert 0.2 < seconds < 2


def test_a_request_being_worked_on_is_not_cut_short_by_what_comes_behind_it(address: Address) -> None:
    slow = b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nred"

    for behind in (b"no http\r\n\r\n", b"GET / HT", GET + b"X: " + b"x" * 300_000):
        received = talk(address, slow, behind)
        assert statuses(received)[0] == 200, received
        assert b"red" in received
    assert statuses(talk(address, slow, slow, GET + END)) == [200, 200, 200]


def test_a_client_that_does_not_read_its_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_STALL_S", 0.2)
    ended: list[float] = []

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(2**25), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})  # waits for the client
        ended.append(time.monotonic())

    with listening(large, Settings()) as address, socket.create_connection(address) as connection:
        connection.sendall(GET + END)
        begun = time.monotonic()
        wait_until(lambda: bool(ended), timeout_s=5)
    assert ended[0] - begun > 0.15


def test_a_client_that_reads_its_answer_slowly_but_steadily_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MAX_STALL_S", 1.0)  # a busy machine may halt the client for a while
    size = 2**24

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", str(size).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": bytes(size)})

    with listening(large, Settings()) as address, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        connection.connect(address)
        connection.sendall(GET + END)
        received, begun = 0, time.monotonic()
        while piece := connection.recv(2**17):
            received += len(piece)
            time.sleep(0.02)
    assert time.monotonic() - begun > 2 * 1.0
    assert received > size


def test_requests_behind_one_another_are_answered_in_turn_up_to_a_number(address: Address, refusals: list[str]) -> None:
    refusals.clear()
    assert statuses(talk(address, (GET + b"\r\n") * 16 + GET + END)) == [200] * 17
    assert refusals == []

    assert statuses(talk(address, (GET + b"\r\n") * 40)) == [200] * 17  # and then it hangs up
    assert refusals == ["overloaded"]


def test_what_comes_behind_a_waiting_request_is_not_read_before_its_turn() -> None:
    refusals: list[str] = []
    may_answer = threading.Event()

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        while scope["type"] == "http" and not may_answer.is_set():  # looks whether the caller has gone, over and over
            with suppress(TimeoutError):
                await asyncio.wait_for(receive(), 0.01)
                await asyncio.sleep(0.01)
        await PlainTextResponse("answered")(scope, receive, send)

    with (
        listening(patient, Settings(), on_refusal=refusals.append) as address,
        socket.create_connection(address, timeout=5) as connection,
    ):
        for _ in range(30):
            connection.sendall(GET + b"\r\n")
            time.sleep(0.02)
        refused_meanwhile = list(refusals)
        may_answer.set()
        assert statuses(read_to_end(connection))[:17] == [200] * 17
    assert refused_meanwhile == []


def test_a_connection_too_many_is_told_so_unless_it_is_a_probe(address: Address) -> None:
    idle = [socket.create_connection(address) for _ in range(20)]
    try:
        for connection in idle:
            connection.sendall(b"G")
        wait_until(lambda: statuses(talk(address, GET + END)) == [503], timeout_s=1)
        received = talk(address, GET + b"\r\n")
        probe = talk(address, b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + END)
        idle[0].sendall(b"ET / HTTP/1.1\r\n" + END)
        earlier = read_to_end(idle[0])
    finally:
        for connection in idle:
            connection.close()

    assert problem_in(received)["detail"].startswith("More than 20 connections are open. Ask again in a moment")
    assert b"\r\nretry-after: 2\r\n" in received
    assert statuses(probe) == statuses(earlier) == [200]
    wait_until(lambda: statuses(talk(address, GET + END)) == [200])
