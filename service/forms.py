"""A multipart form, read to its closing boundary."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from model.errors import MalformedError


async def read_form(request: Request, *, max_part_size: int) -> FormData:
    """The parts of a form. One without a file is held in memory; a file over a megabyte goes to a temporary file.

    Args:
        request: whose body is multipart/form-data.
        max_part_size: bytes that a part without a file has at most.

    Returns:
        The parts; to be closed by the caller.

    Raises:
        MalformedError: if it is no such form, or cut off.
    """
    try:
        async with aclosing(request.stream()) as body:
            parser = _WholeFormParser(request.headers, body, max_part_size=max_part_size)
            async with aclosing(parser.stream):
                return await parser.parse()
    except MultiPartException as error:
        raise MalformedError(f"The body is not multipart/form-data: {error.message}") from None
    except UnicodeError:  # from charsets such as punycode; an unknown one counts as latin-1
        raise MalformedError("The body is not in the charset that its Content-Type says. Use UTF-8.") from None


class _WholeFormParser(MultiPartParser):
    """Refuses a form that is cut off. Starlette's own drops the part that is not whole, as if it were absent."""

    def __init__(self, headers: Headers, body: AsyncGenerator[bytes, None], *, max_part_size: int) -> None:
        super().__init__(headers, self._to_its_end(body), max_part_size=max_part_size)
        self._has_ended = False

    def on_end(self) -> None:
        self._has_ended = True

    async def _to_its_end(self, body: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in body:
            yield chunk
        if not self._has_ended:
            raise MultiPartException("It is cut off: the closing boundary is missing.")
