"""JSON that people read too: a key a line, but a row of figures in one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

_INDENT = "  "


def json_text(value: Any) -> str:
    """A value as indented JSON. Of a list that holds numbers and nothing within it, all is in one line: a matrix of 100
    labels would be 10,000 lines.

    Args:
        value: of dicts with strings or whole numbers as keys, lists, strings, numbers, booleans and None.
    """
    return "".join(_parts(value, "\n"))


def _parts(value: Any, line: str) -> Iterator[str]:
    """Pieces of text; `line` begins a line as far in as the value is."""
    inner = line + _INDENT
    if isinstance(value, dict) and value:
        yield from _between("{}", ((f"{_plain(str(key))}: ", one) for key, one in value.items()), inner, line)
    elif isinstance(value, list | tuple) and value and not _is_row(value):
        yield from _between("[]", (("", one) for one in value), inner, line)
    else:
        yield _plain(value)


def _between(brackets: str, items: Iterator[tuple[str, Any]], inner: str, line: str) -> Iterator[str]:
    yield brackets[0]
    comma = ""
    for key, one in items:
        yield f"{comma}{inner}{key}"
        yield from _parts(one, inner)
        comma = ","
    yield f"{line}{brackets[1]}"


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _is_row(values: Sequence[Any]) -> bool:
    held = [isinstance(one, dict | list | tuple) for one in values]
    return not any(held) and any(isinstance(one, int | float) for one in values)
