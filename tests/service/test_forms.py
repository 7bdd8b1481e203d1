"""A multipart form: what it may hold, and where its parts are kept."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from model.errors import MalformedError, OverloadedError, TooLargeError
from service.intake.forms import MAX_PARTS, read_form

MEGABYTE = 2**20


def head(disposition: str = 'name="image"; filename="a"', *more: str) -> bytes:
    lines = [f"Content-Disposition: form-data; {disposition}", *more]
    return ("--x\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode()


END = b"\r\n--x--\r\n"


def request(chunks: Iterator[bytes] | list[bytes], *, then: Message | None = None) -> Request:
    """A form of boundary x that comes in chunks; `then` is what comes instead of its end."""
    given = iter(chunks)

    async def receive() -> Message:
        chunk = next(given, None)
        if chunk is None and then is not None:
            if then["type"] == "never":
                await asyncio.Event().wait()
            return then
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def read(*chunks: bytes, max_text_bytes: int = 100) -> FormData:
    return asyncio.run(read_form(request(list(chunks)), max_text_bytes=max_text_bytes))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, to itself."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_parts_are_read_in_their_order_however_they_are_cut() -> None:
    body = head('name="text"') + b"red\r\n" + head() + b"\r\n--y\r\n-" + END

    form = read(*[body[at : at + 1] for at in range(len(body))])

    (_, text), (_, file) = form.multi_items()
    assert text == "red"
    assert isinstance(file, UploadFile)
    assert file.file.read() == b"\r\n--y\r\n-"
    file.file.close()


@pytest.mark.parametrize("count", [MAX_PARTS, MAX_PARTS + 1])
def test_a_form_has_so_many_parts_at_most(count: int) -> None:
    body = b"".join([head('name="a"') + b"\r\n"] * count) + b"--x--\r\n"

    if count == MAX_PARTS:
        assert len(read(body).multi_items()) == MAX_PARTS
    else:
        with pytest.raises(TooLargeError, match=r"^The form has more than 100 parts; expected one an input\.$"):
            read(body)


def test_a_part_without_a_file_is_refused_while_it_comes() -> None:
    chunks = iter([head('name="text"'), *[b"x" * 60] * 10, END])

    with pytest.raises(TooLargeError, match=r"^The part 'text' is over 100 bytes, .* Send a picture as a file part"):
        asyncio.run(read_form(request(chunks), max_text_bytes=100))
    assert len(list(chunks)) == 9  # the second is the one too much


@pytest.mark.parametrize(
    "body",
    [
        head('name="a"', *[f"X-{number}: 1" for number in range(20)]) + b"x" + END,
        head('name="a"', "X: " + "x" * 10_000) + b"x" + END,
        b"--x\r\n" + b"x" * 10_000,
        head('nome="a"') + b"x" + END,
        b"--x\r\nno header\r\n\r\n" + END,
        b"--x\r\n\r\n" + END,
        b"x" * 100,
    ],
    ids=["many headers", "a long header", "a header without end", "no name", "no colon", "no header", "no boundary"],
)
def test_parts_with_hostile_headers_are_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^The body is not multipart/form-data: "):
        read(body)


def large(megabytes: int) -> Iterator[bytes]:
    yield head()
    for _ in range(16 * megabytes):
        yield b"x" * (MEGABYTE // 16)
    yield END


def test_a_large_file_goes_to_the_disk_and_into_memory_once(temporary: Path) -> None:
    async def peaks() -> tuple[int, int]:
        form = await read_form(request(large(32)), max_text_bytes=100)
        _, while_read = tracemalloc.get_traced_memory()
        data = await form["image"].read()  # type: ignore[union-attr]
        assert len(data) == 32 * MEGABYTE
        await form.close()
        return while_read, tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        while_read, in_all = asyncio.run(peaks())
    finally:
        tracemalloc.stop()
    assert while_read < 4 * MEGABYTE
    assert in_all < 36 * MEGABYTE
    assert list(temporary.iterdir()) == []


def test_files_in_many_small_chunks_are_whole_and_written_in_few_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [os.urandom(size) for size in (2 * MEGABYTE + 5, 0, 700_001)]
    heads = [head(f'name="{number}"; filename="a"') for number in range(3)]
    body = b"\r\n".join(before + data for before, data in zip(heads, files, strict=True)) + END
    written, write = [], UploadFile.write

    async def counted(file: UploadFile, data: bytes) -> None:
        written.append(len(data))
        await write(file, data)

    async def read_all() -> list[bytes]:
        chunks = [body[at : at + 1000] for at in range(0, len(body), 1000)]
        form = await read_form(request(chunks), max_text_bytes=100)
        try:
            return [await file.read() for _, file in form.multi_items()]  # type: ignore[union-attr]
        finally:
            await form.close()

    monkeypatch.setattr(UploadFile, "write", counted)
    assert asyncio.run(read_all()) == files
    assert len(written) < 10


def test_what_is_not_yet_written_takes_no_more_than_its_bytes_however_it_is_cut() -> None:
    data = head() + b"x" * 400_000 + END
    chunks = (data[at : at + 4] for at in range(0, len(data), 4))

    async def read_it() -> None:
        form = await read_form(request(chunks), max_text_bytes=100)
        await form.close()

    tracemalloc.start()
    try:
        asyncio.run(read_it())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 * MEGABYTE


async def held_open(form: Request) -> Any:
    return await asyncio.wait_for(read_form(form, max_text_bytes=100), 0.3)


@pytest.mark.parametrize(
    ("then", "error"),
    [
        ({"type": "http.disconnect"}, ClientDisconnect),
        ({"type": "never"}, TimeoutError),
        ({"type": "http.request", "body": b"\r\n--x?", "more_body": False}, MalformedError),
        ({"type": "http.request", "body": b"", "more_body": False}, MalformedError),
    ],
    ids=["hung up", "cancelled", "broken", "cut off"],
)
def test_a_form_that_does_not_end_leaves_no_file_open(
    then: Message, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    make = tempfile.SpooledTemporaryFile
    monkeypatch.setattr(
        "starlette.formparsers.SpooledTemporaryFile", lambda **given: made.append(make(**given)) or made[-1]
    )  # type: ignore[func-returns-value]
    chunks = list(large(2))[:-1]

    with pytest.raises(error):
        asyncio.run(held_open(request(chunks, then=then)))

    assert len(made) == 1
    assert made[0].closed


class Full:
    """A disk without room."""

    def __init__(self, **_: Any) -> None:
        self._max_size = 1
        self._rolled = True

    def write(self, _: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/tmp")

    def close(self) -> None:
        """Nothing to close."""


def test_a_full_disk_is_told_as_too_busy_and_without_its_path(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", Full)

    with pytest.raises(OverloadedError, match=r"^There is no room for the upload just now\.$"):
        read(head(), b"x" * 100, END)
    assert "No space left on device" in caplog.text
