"""A multipart form, read to its closing boundary."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from model.errors import MalformedError, OverloadedError, TooLargeError

logger = logging.getLogger("bifocal")

MAX_PARTS = 100
# Of a file, written at once: each write of one over a megabyte is a trip to another thread.
_WRITE_BYTES = 2**19
_RETRY_AFTER_S = 5.0


async def read_form(request: Request, *, max_text_bytes: int) -> FormData:
    """The parts of a form. One without a file is held in memory; a file over a megabyte goes to a temporary file.

    Args:
        request: whose body is multipart/form-data.
        max_text_bytes: that a part without a file has at most.

    Returns:
        The parts; to be closed by the caller.

    Raises:
        MalformedError: if it is no such form, or cut off.
        TooLargeError: if it has too many parts, or a part without a file is too long.
        OverloadedError: if there is no room for the file.
    """
    try:
        async with aclosing(request.stream()) as body:
            parser = _WholeFormParser(request.headers, body, max_text_bytes=max_text_bytes)
            async with aclosing(parser.stream):
                return await parser.parse()
    except MultiPartException as error:
        raise MalformedError(f"The body is not multipart/form-data: {error.message}") from None
    except UnicodeError:  # also from charsets such as punycode; an unknown one counts as latin-1
        raise MalformedError("The body is not in the charset that its Content-Type says. Use UTF-8.") from None
    except OSError as error:
        logger.error("no room for an upload in the folder for temporary files: %s", error)
        raise OverloadedError("There is no room for the upload just now.", retry_after_s=_RETRY_AFTER_S) from None


class _WholeFormParser(MultiPartParser):
    """Refuses a form that is cut off. Starlette's own drops the part that is not whole, as if it were absent."""

    def __init__(self, headers: Headers, body: AsyncGenerator[bytes, None], *, max_text_bytes: int) -> None:
        super().__init__(headers, self._to_its_end(body), max_part_size=max_text_bytes)
        self._has_ended = False
        self._parts = 0
        self._unwritten = bytearray()  # of the file that is read

    def on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise TooLargeError(f"The form has more than {MAX_PARTS} parts; expected one an input.")
        super().on_part_begin()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._current_part
        if part.file is not None:
            self._unwritten += data[start:end]
            if len(self._unwritten) >= _WRITE_BYTES:
                self._write()
            return
        if len(part.data) + end - start > self.max_part_size:
            raise TooLargeError(
                f"The part {part.field_name[:100]!r} is over {self.max_part_size:,} bytes, more than the longest text. "
                "Send a picture as a file part, with a file name."
            )
        super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        part = self._current_part
        if part.file is None:
            try:
                text = part.data.decode(self._charset)  # Starlette's own takes what is not UTF-8 for latin-1
            except LookupError:  # a codec, but not one of text
                text = part.data.decode("latin-1")
            self.items.append((part.field_name, text))
        else:
            self._write()
            super().on_part_end()

    def _write(self) -> None:
        """Has Starlette write what there is of the file, when it is done with what came last."""
        self._file_parts_to_write.append((self._current_part, bytes(self._unwritten)))
        self._unwritten.clear()

    def on_end(self) -> None:
        self._has_ended = True

    async def _to_its_end(self, body: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in body:
            yield chunk
        if not self._has_ended:
            raise MultiPartException("It is cut off: the closing boundary is missing.")
