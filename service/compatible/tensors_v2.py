"""The Open Inference Protocol's binary extension: where the data lies in a body, and how BYTES tensors are written."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from model.errors import MalformedError

_LENGTH = struct.Struct("<I")


def split(body: bytes, json_length: str | None) -> tuple[bytes, memoryview]:
    """The JSON of a body, and the binary data behind it.

    Args:
        body: of the request.
        json_length: the header `Inference-Header-Content-Length`; None if all of the body is JSON.

    Raises:
        MalformedError: if the header is no such length.
    """
    if json_length is None:
        return body, memoryview(b"")
    # int() refuses thousands of digits with an error of its own.
    length = int(json_length) if json_length.isascii() and json_length.isdecimal() and len(json_length) < 20 else -1
    if not 0 <= length <= len(body):
        raise MalformedError(
            f"Inference-Header-Content-Length must be the length of the JSON within the {len(body):,} bytes of the "
            f"body. Received: {json_length[:40]!r}."
        )
    return body[:length], memoryview(body)[length:]


def read_bytes(data: memoryview, count: int, name: str) -> list[bytes]:
    """The elements of a BYTES tensor: each its length, four bytes of which the least comes first, then its bytes.

    Nothing is set aside for a length before as many bytes are known to be there.

    Args:
        data: the tensor and nothing else.
        count: of its elements, by its shape.
        name: of the tensor, for the error.

    Raises:
        MalformedError: if the lengths don't fit the data, or their number the shape.
    """
    elements: list[bytes] = []
    start = 0
    while start < len(data):
        if len(elements) == count:
            raise MalformedError(
                f"The binary data of {name!r} goes on after its {count} elements: {len(data) - start:,} bytes are left."
            )
        if len(data) - start < _LENGTH.size:
            raise MalformedError(f"The binary data of {name!r} ends within the length of element {len(elements)}.")
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size
        if length > len(data) - start:
            raise MalformedError(
                f"Element {len(elements)} of {name!r} is to have {length:,} bytes; {len(data) - start:,} are left."
            )
        elements.append(bytes(data[start : start + length]))
        start += length
    if len(elements) < count:
        raise MalformedError(f"The binary data of {name!r} has {len(elements)} elements; its shape says {count}.")
    return elements


def write_bytes(elements: Iterable[bytes]) -> bytes:
    """A BYTES tensor of these elements, as `read_bytes` reads it."""
    return b"".join(part for element in elements for part in (_LENGTH.pack(len(element)), element))
