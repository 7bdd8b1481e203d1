"""The cells of a table as the texts that a CSV would hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from model.written_list import written_list


def as_text(cell: Any, delimiter: str | None = None) -> str:
    """A cell as text, trimmed; empty if it is absent.

    Numbers and dates are written as Python writes them, booleans as true and false; a number that is none (NaN) is
    absent.

    Args:
        cell: as JSON or Parquet has it, or a text of a CSV.
        delimiter: what the items of a list are joined by, also of one that is written in a text; None where a list
            makes no sense.

    Raises:
        ValueError: if it can't be one, saying why.
    """
    if isinstance(cell, str):
        listed = None if delimiter is None else written_list(cell)
        return cell.strip() if listed is None else as_text(listed, delimiter)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return "" if math.isnan(cell) else str(cell)
    if isinstance(cell, Decimal | date | time | timedelta):
        return str(cell)
    if isinstance(cell, list | tuple):
        if delimiter is None:
            raise ValueError("a list is given; expected one value. Only tags and multi_label heads take lists")
        return delimiter.join(item for item in (_item(one, delimiter) for one in cell) if item)
    if isinstance(cell, Mapping) and cell.keys() == {"bytes", "path"}:  # as Hugging Face's data sets hold a picture
        if cell["bytes"] is None:
            return as_text(cell["path"])
        raise ValueError("the picture itself is given; expected the path of its file")
    if isinstance(cell, bytes):
        raise ValueError("bytes are given; expected text, or for a picture the path of its file")
    raise ValueError(f"a nested {'object' if isinstance(cell, Mapping) else type(cell).__name__} is given")


def _item(item: Any, delimiter: str) -> str:
    if isinstance(item, list | tuple | Mapping):
        raise ValueError("a nested list is given; expected a list of texts")
    text = as_text(item)
    if delimiter in text:
        raise ValueError(f"the item {text!r} of a list holds {delimiter!r}, which is to part items; choose another")
    return text
