"""The limits on bodies: of one request, and of all that are in progress together."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from fastapi import FastAPI, Request
from starlette.types import Message, Receive, Scope, Send

from model.errors import SlowBodyError
from service import errors
from service.intake.body_limit import BodyLimit
from service.settings import Settings
from tests.service.running import ask, assert_problem, wait_until
from tests.service.wire import listening


def counting_app() -> FastAPI:
    """Answers with the length of the body."""
    app = FastAPI()
    errors.install(app)

    @app.post("/")
    async def count(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    return app


def limited(max_bytes: int = 10, max_pending_bytes: int = 25) -> BodyLimit:
    return BodyLimit(counting_app(), max_bytes=max_bytes, max_pending_bytes=max_pending_bytes)


async def at_once() -> bool:
    return True


async def call(
    app: BodyLimit,
    receive: Receive,
    *,
    method: str = "POST",
    before_sending: Callable[[], Awaitable[bool]] = at_once,
    **headers: str,
) -> list[Message]:
    """What an application sends when the server hands it what `receive` gives."""
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": raw}
    sent: list[Message] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            await before_sending()
        sent.append(message)

    await app(scope, receive, send)
    return sent


def sending(*chunks: bytes) -> tuple[Receive, Iterator[Message]]:
    """A body that comes in chunks, the last of which does not say so, and what of it was not asked for yet."""
    messages = iter([{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks])

    async def receive() -> Message:
        return next(messages)

    return receive, messages


def test_a_body_at_the_limit_passes() -> None:
    assert ask(limited(), "POST", content=b"x" * 10).json()["bytes"] == 10


@pytest.mark.parametrize("told", ["11", "0011", "9" * 5000])
def test_a_body_over_the_limit_is_refused_by_its_length_before_it_is_read(told: str) -> None:
    receive, left = sending(b"x" * 11)

    sent = asyncio.run(call(limited(), receive, content_length=told))

    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["detail"] == (
        "The body is over 10 bytes. Send smaller pictures, or fewer at once."
    )
    assert len(list(left)) == 1


def test_a_body_without_a_length_is_refused_as_soon_as_it_is_over_the_limit() -> None:
    receive, left = sending(*[b"x" * 4] * 10)

    sent = asyncio.run(call(limited(), receive, transfer_encoding="chunked"))

    assert sent[0]["status"] == 413
    assert len(list(left)) == 7  # the third chunk is the one too much


def test_a_length_that_lies_does_not_get_around_the_limit() -> None:
    assert asyncio.run(call(limited(), sending(b"x" * 20)[0], content_length="5"))[0]["status"] == 413


def test_a_refused_body_is_a_problem() -> None:
    assert_problem(ask(limited(), "POST", content=b"x" * 11), 413, "too-large")


@pytest.mark.parametrize("encoding", ["gzip", "identity, br", "x" * 999])
def test_a_compressed_body_is_not_read(encoding: str) -> None:
    response = ask(limited(), "POST", content=b"x", headers={"Content-Encoding": encoding})

    document = assert_problem(response, 415, "media-type")
    assert document["detail"] == (
        f"The body has the content encoding {encoding[:50]!r}; expected none. Send it as it is, not compressed."
    )


def test_identity_is_no_compression() -> None:
    assert ask(limited(), "POST", content=b"x", headers={"Content-Encoding": "Identity"}).status_code == 200


async def with_others_in_progress(app: BodyLimit, *, told: bool) -> list[Message]:
    """What is sent to one who brings 6 bytes while two others have sent 10 each, and 6 bytes after they have gone."""
    has_gone = asyncio.Event()
    first_part: Message = {"type": "http.request", "body": b"x" * 10, "more_body": True}
    then: Message = {"type": "http.request", "body": b"", "more_body": False}

    async def slow(messages: Iterator[Message]) -> Message:
        message = next(messages)
        if message is then:
            await has_gone.wait()
        return message

    others = []
    for _ in range(2):
        messages = iter([first_part, then])
        others.append(asyncio.create_task(call(app, lambda messages=messages: slow(messages))))
    await asyncio.sleep(0.01)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 6, "more_body": False}

    headers = {"content_length": "6"} if told else {"transfer_encoding": "chunked"}
    refused = await call(app, receive, **headers)
    has_gone.set()
    await asyncio.gather(*others)
    return refused + await call(app, receive, **headers)


@pytest.mark.parametrize("told", [True, False])
def test_all_bodies_in_progress_share_a_limit_and_give_it_back(told: bool) -> None:
    app = limited()

    refused, problem, answered, _ = asyncio.run(with_others_in_progress(app, told=told))

    assert (refused["status"], answered["status"], app.pending_bytes) == (503, 200, 0)
    assert (b"retry-after", b"1") in refused["headers"]
    assert json.loads(problem["body"])["detail"] == (
        "Bodies and unsent answers of the requests in progress are 25 bytes, the most that is kept at a time. "
        "Ask again in a moment."
    )


def test_who_promises_a_body_and_sends_nothing_keeps_nobody_out() -> None:
    async def talk() -> list[Message]:
        app, never = limited(), asyncio.Event()

        async def nothing() -> Message:
            await never.wait()
            return {}

        waiting = [asyncio.create_task(call(app, nothing, content_length="10")) for _ in range(5)]
        await asyncio.sleep(0.01)
        sent = await call(app, sending_whole(b"x" * 10), content_length="10")
        for task in waiting:
            task.cancel()
        return sent

    assert asyncio.run(talk())[0]["status"] == 200


def sending_whole(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


STALL_S = 0.2


def test_a_body_that_stands_still_is_given_up() -> None:
    chunks = iter([b"x", b"x"])

    async def receive() -> Message:
        for chunk in chunks:
            return {"type": "http.request", "body": chunk, "more_body": True}
        await asyncio.Event().wait()
        return {}

    app = BodyLimit(counting_app(), max_bytes=10, max_pending_bytes=25, stall_s=STALL_S)
    sent = asyncio.run(call(app, receive, transfer_encoding="chunked"))

    assert (sent[0]["status"], app.pending_bytes) == (408, 0)
    assert json.loads(sent[1]["body"])["detail"] == (
        "Nothing more of the body has come for 0.2 seconds. Send it without long pauses."
    )


def test_a_body_that_comes_slowly_but_steadily_is_waited_for() -> None:
    left = 9

    async def receive() -> Message:
        nonlocal left
        left -= 1
        await asyncio.sleep(STALL_S / 4)
        return {"type": "http.request", "body": b"x", "more_body": left > 0}

    app = BodyLimit(counting_app(), max_bytes=10, max_pending_bytes=25, stall_s=STALL_S)
    assert asyncio.run(call(app, receive, transfer_encoding="chunked"))[1]["body"] == b'{"bytes":9}'


def test_only_a_body_that_is_waited_for_stands_still() -> None:
    """Neither a caller who waits for the answer, nor one whom the application keeps waiting."""
    messages = iter([sending_whole(b"x"), asyncio.Event().wait])
    outcomes: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(2 * STALL_S)
        outcomes.append((await receive())["type"])
        try:
            async with asyncio.timeout(2 * STALL_S):
                await receive()
        except TimeoutError:
            outcomes.append("still there")

    limit = BodyLimit(app, max_bytes=10, max_pending_bytes=25, stall_s=STALL_S)
    asyncio.run(call(limit, lambda: next(messages)()))
    assert outcomes == ["http.request", "still there"]


def test_who_is_broken_off_by_others_is_not_told_of_a_stall() -> None:
    async def deadline(receive: Receive) -> None:
        async with asyncio.timeout(0.01):
            await receive()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(TimeoutError):
            await deadline(receive)
        with pytest.raises(SlowBodyError):
            await receive()
        assert not asyncio.current_task().cancelling()

    async def nothing() -> Message:
        await asyncio.Event().wait()
        return {}

    asyncio.run(call(BodyLimit(app, max_bytes=10, max_pending_bytes=25, stall_s=STALL_S), nothing))


ANSWER = b"0123456789" * 20_000


async def answer_at_length(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads a body, if there is one, and answers with much more."""
    if scope["method"] == "POST":
        await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": ANSWER})


def test_a_long_answer_is_sent_in_pieces_so_that_the_server_can_hold_it_back() -> None:
    _, *pieces = asyncio.run(call(BodyLimit(answer_at_length, max_bytes=10, max_pending_bytes=25), sending_whole(b"x")))

    assert b"".join(piece["body"] for piece in pieces) == ANSWER
    assert [piece.get("more_body", False) for piece in pieces] == [True, True, True, False]
    assert max(len(piece["body"]) for piece in pieces) == 65_536


def test_answers_that_nobody_reads_count_like_bodies_and_keep_out_who_brings_more() -> None:
    app = BodyLimit(answer_at_length, max_bytes=10, max_pending_bytes=300_000)

    async def talk() -> tuple[list[Message], list[Message]]:
        is_read = asyncio.Event()
        unread = [asyncio.create_task(call(app, sending_whole(b"x"), before_sending=is_read.wait)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert app.pending_bytes == 2 * (1 + len(ANSWER))
        refused = await call(app, sending_whole(b"x"), content_length="1")
        bringing_nothing = await call(app, sending_whole(b""), method="GET")
        is_read.set()
        await asyncio.gather(*unread)
        return refused, bringing_nothing

    refused, bringing_nothing = asyncio.run(talk())
    assert (refused[0]["status"], bringing_nothing[0]["status"], app.pending_bytes) == (503, 200, 0)


def test_a_large_answer_is_counted_until_its_reader_has_taken_it() -> None:
    size = 2**25  # more than the sockets themselves take

    async def large(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": bytes(size)})

    app = BodyLimit(large, max_bytes=10, max_pending_bytes=25)
    with listening(app, Settings()) as address, socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        time.sleep(0.3)
        assert app.pending_bytes == size
        received = 0
        while piece := connection.recv(2**20):
            received += len(piece)
        wait_until(lambda: app.pending_bytes == 0, timeout_s=1)
    assert received > size


def test_what_is_not_http_passes_untouched() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing(message: Message | None = None) -> Message:
        raise AssertionError("neither reads nor sends")

    asyncio.run(BodyLimit(app, max_bytes=1, max_pending_bytes=1)({"type": "lifespan"}, nothing, nothing))
    assert seen == [{"type": "lifespan"}]
