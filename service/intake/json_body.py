"""A JSON body to plain data, with limits on what it may cost. Without TensorFlow.

Parsing holds up every other request, in whatever thread it runs. Of a large body most is one long string, a picture,
and pydantic's parser passes over it at 2 GB/s (60 MB: 35 ms; the standard library's takes 97). What costs more is many
values, many escapes, numbers of thousands of digits. So they are counted first, a piece at a time, and refused.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from pydantic_core import from_json

from model.errors import MalformedError, TooLargeError

MAX_VALUES = 100_000
MAX_ESCAPES = 2_000_000
MAX_BYTES_OUTSIDE_STRINGS = 4_000_000

_WINDOW = 2**18  # bytes looked at in one go: a tenth of a millisecond
_INLINE = 64_000  # a body of so many bytes is not worth the way to another thread

Result = TypeVar("Result")


def parse_json(body: bytes, *, max_depth: int) -> Any:
    """Plain data of a JSON text.

    Args:
        body: UTF-8.
        max_depth: of objects and lists in each other.

    Raises:
        MalformedError: if it is not JSON, or an object has a key twice: one reader would take the first, one the last.
        TooLargeError: if it is nested deeper, or has more than so many values, escapes or digits.
    """
    counts = _counted(body)
    try:
        data = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        if "recursion limit" in str(error):
            raise _too_deep(max_depth) from None
        raise MalformedError(f"The body is not JSON: {error}.") from None
    if _keys_of(data, max_depth, has_depth=counts.openings > max_depth) != counts.colons:
        _name_repeated_key(body)
    return data


async def off_the_loop(size: int, work: Callable[[], Result]) -> Result:
    """Does work on a body: a large one's in a thread, so that other requests are answered meanwhile.

    Args:
        size: of the body in bytes.
        work: to do.
    """
    return work() if size <= _INLINE else await asyncio.to_thread(work)


@dataclass
class _Counts:
    """What stands outside of the strings of a JSON text.

    Args:
        openings: brackets and braces that open.
        commas: between values.
        colons: one for each key.
        bytes: all of it, spaces too.
        escapes: backslashes, which are inside of strings.
        quotes: that begin or end a string.
    """

    openings: int = 0
    commas: int = 0
    colons: int = 0
    bytes: int = 0
    escapes: int = 0
    quotes: int = 0


def _counted(body: bytes) -> _Counts:
    counts = _Counts()
    is_inside = False
    for window in _windows(body):
        pieces = window.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        outside = b"".join(pieces[is_inside::2])
        is_inside ^= len(pieces) % 2 == 0
        counts.openings += outside.count(b"[") + outside.count(b"{")
        counts.commas += outside.count(b",")
        counts.colons += outside.count(b":")
        counts.bytes += len(outside)
        counts.escapes += window.count(b"\\")
        counts.quotes += len(pieces) - 1
        # Two strings a value at most, one of them its key.
        if counts.openings + counts.commas > MAX_VALUES or counts.quotes > 4 * (MAX_VALUES + 1):
            raise TooLargeError(f"The body has more than {MAX_VALUES:,} values. Send fewer instances at once.")
        if counts.escapes > MAX_ESCAPES:
            raise TooLargeError(
                f"The body has more than {MAX_ESCAPES:,} backslashes. Write characters as UTF-8, not as \\u...., "
                "or send fewer instances at once."
            )
        if counts.bytes > MAX_BYTES_OUTSIDE_STRINGS:
            raise TooLargeError(
                f"The body has more than {MAX_BYTES_OUTSIDE_STRINGS:,} bytes outside of its strings. Leave out spaces, "
                "shorten numbers, or send fewer instances at once."
            )
    return counts


def _windows(body: bytes) -> Iterator[bytes]:
    """The body in pieces, none of which ends within an escape."""
    start = 0
    while start < len(body):
        window = body[start : start + _WINDOW]
        backslashes = len(window) - len(window.rstrip(b"\\"))
        if backslashes % 2:
            window = body[start : start + len(window) + 1]
        yield window
        start += len(window)


def _keys_of(data: Any, max_depth: int, *, has_depth: bool) -> int:
    """The number of keys in all, and on the way a look at the depth."""
    keys, level, depth = 0, [data], 0
    while level:
        containers = [value for value in level if isinstance(value, dict | list)]
        if containers:
            depth += 1
        if has_depth and depth > max_depth:
            raise _too_deep(max_depth)
        level = []
        for value in containers:
            if isinstance(value, dict):
                keys += len(value)
                level.extend(value.values())
            else:
                level.extend(value)
    return keys


def _name_repeated_key(body: bytes) -> NoReturn:
    def refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = set()
        for name, _ in pairs:
            if name in names:
                raise MalformedError(f"An object has the key {name!r} twice; expected each once.")
            names.add(name)
        return {}

    json.loads(body, object_pairs_hook=refuse_repeated)
    raise MalformedError("An object has a key twice; expected each once.")


def _too_deep(max_depth: int) -> TooLargeError:
    return TooLargeError(f"The body is nested deeper than {max_depth} objects and lists. Expected the form in /docs.")
