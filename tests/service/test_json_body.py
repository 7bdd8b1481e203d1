"""A JSON body to plain data: what is no JSON, and what would cost too much."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from model.errors import MalformedError, TooLargeError
from service.intake.json_body import MAX_ESCAPES, MAX_VALUES, off_the_loop, parse_json


@pytest.mark.parametrize(
    "data", [{}, [], None, True, "x", -1.5, {"a": [1, {"b": "é\U0001f600\\\"/\b\0"}]}, {"a": "[{,:", '"': "\\", "": ""}]
)  # fmt: skip
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_json_is_read_as_it_was_written(data: Any, ensure_ascii: bool) -> None:
    assert parse_json(json.dumps(data, ensure_ascii=ensure_ascii).encode(), max_depth=8) == data


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{'a': 1}", b'{"a": 1,}', b'{"a": 1} x', b'{"a": NaN}', b"[Infinity]", b"[-Infinity]", b"[01]", b'"\xff"',
     b'"\n"', b'"\\ud800"', b'"\\x"', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"[" + b"9" * 5000 + b"]", b'\\"', b'{"a'],
)  # fmt: skip
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^The body is not JSON: .*line \d column \d+\.$"):
        parse_json(body, max_depth=8)


@pytest.mark.parametrize(
    "body",
    [b'{"a": 1, "a": 1}', b'[{"b": 1, "a": 1, "\\u0061": 2}]', b'{"a": ":", "b": {"a": 1, "c": {}, "a": 2}}'],
)
def test_a_key_that_is_given_twice_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^An object has the key 'a' twice; expected each once\.$"):
        parse_json(body, max_depth=8)


def test_the_same_key_in_two_objects_and_colons_in_strings_are_fine() -> None:
    data = [{"a": "data:image/png;base64,", "b:": ":::"}, {"a": 1, "\\:": '":"'}]

    assert parse_json(json.dumps(data).encode(), max_depth=8) == data


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [4, 150, 1000, 50_000])
def test_what_is_nested_too_deep_is_too_large(opening: bytes, depth: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    body = opening * depth + b"1" + closing * depth

    with pytest.raises(TooLargeError, match=r"^The body is nested deeper than 3 objects and lists\."):
        parse_json(body, max_depth=3)


def test_what_is_nested_just_as_deep_is_fine_however_wide() -> None:
    data = {"a": [[1], [2], [3], [4]], "b": [[]]}

    assert parse_json(json.dumps(data).encode(), max_depth=3) == data


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"[" + b"0," * MAX_VALUES + b"0]", "more than 100,000 values"),
        (b"[" * (MAX_VALUES + 1), "more than 100,000 values"),
        (b'""' * 3 * MAX_VALUES, "more than 100,000 values"),
        (b'["' + b"\\n" * (MAX_ESCAPES + 1) + b'"]', r"more than 2,000,000 backslashes. Write characters as UTF-8"),
        (b'["' + b'\\"' * (MAX_ESCAPES + 1) + b'"]', "more than 2,000,000 backslashes"),
        (b"[" + b" " * 4_000_000 + b"1]", "more than 4,000,000 bytes outside of its strings. Leave out spaces"),
        (b"[" + b",".join([b"9" * 4000] * 1001) + b"]", "more than 4,000,000 bytes outside of its strings"),
    ],
    ids=["values", "lists", "strings", "escapes", "escaped quotes", "spaces", "digits"],
)
def test_what_would_take_long_to_parse_is_too_large(body: bytes, message: str) -> None:
    begun = time.perf_counter()

    with pytest.raises(TooLargeError, match=message):
        parse_json(body, max_depth=8)
    assert time.perf_counter() - begun < 1


def test_what_a_text_holds_is_not_counted_as_values() -> None:
    data = {"text": ",[{" * MAX_VALUES, "quotes": '"' * 2**18 + "\\" * 2**18}  # over the edges of what is read at once

    assert parse_json(json.dumps(data).encode(), max_depth=8) == data


def test_an_escape_over_the_edge_of_what_is_counted_at_once_ends_no_string() -> None:
    text = "x" * (2**18 - 3) + '"' + "," * (MAX_VALUES + 1)  # the backslash is the last byte of the first piece

    assert parse_json(json.dumps([text]).encode(), max_depth=8) == [text]


async def longest_wait(work: Callable[[], object]) -> float:
    """Seconds by which the loop was late at most while work was done beside it."""
    longest = 0.0
    working = asyncio.create_task(off_the_loop(10**6, work))
    while not working.done():
        begun = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - begun - 0.001)
    await working
    return longest


def test_others_are_answered_while_a_large_body_is_parsed() -> None:
    body = b'{"image": "' + base64.b64encode(os.urandom(24 * 2**20)) + b'"}'  # 33 MB

    waits = [asyncio.run(longest_wait(lambda: parse_json(body, max_depth=8))) for _ in range(3)]

    assert min(waits) < 0.1  # alone on a quiet machine 0.02


def test_only_a_large_body_goes_to_another_thread() -> None:
    threads = [asyncio.run(off_the_loop(size, threading.get_ident)) for size in (1, 64_000, 64_001)]

    assert [thread == threading.get_ident() for thread in threads] == [True, True, False]
