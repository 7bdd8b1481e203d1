"""Lists that were written into a cell of a CSV: `["red", "blue"]`, as json.dumps, pandas and NumPy write them."""

from __future__ import annotations

import ast
import json
import re
import warnings
from io import StringIO
from tokenize import STRING, TokenError, generate_tokens
from typing import Any

LONGEST = 10_000  # characters; a longer text is no list of tags


def written_list(cell: str) -> list[str] | None:
    """The items of a list that a text is, as texts; None if it is none.

    Args:
        cell: JSON (`["red", "blue"]`), Python (`['red', 'blue']`) or NumPy (`['red' 'blue']`), of texts and numbers.
    """
    cell = cell.strip()
    if not (cell.startswith("[") and cell.endswith("]") and len(cell) <= LONGEST):
        return None
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        try:
            with warnings.catch_warnings(action="ignore"):  # of a backslash before a letter that needs none
                items = _python(cell)
        except (ValueError, SyntaxError, TokenError, RecursionError, MemoryError):
            return None
    if not all(item is None or isinstance(item, str | int | float) for item in items):
        return None
    texts = (str(item).lower() if isinstance(item, bool) else str(item).strip() for item in items if item is not None)
    return [text for text in texts if text]


def _python(cell: str) -> list[Any]:
    if re.fullmatch(r"\[[-\d.\s]+\]", cell):  # [1 2 3], NumPy's
        return [ast.literal_eval(number) for number in cell[1:-1].split()]
    tree = ast.parse(cell, mode="eval").body
    if not isinstance(tree, ast.List):
        raise ValueError("no list")  # as in "[a] or [b]"
    items: list[Any] = []
    for element in tree.elts:
        source = ast.get_source_segment(cell, element) or ""
        if isinstance(element, ast.Constant) and isinstance(element.value, str):  # to Python, 'red' 'blue' is one text
            items += (
                ast.literal_eval(token.string)
                for token in generate_tokens(StringIO(source).readline)
                if token.type == STRING
            )
        else:
            items.append(ast.literal_eval(source))
    return items
