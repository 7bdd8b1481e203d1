"""Lists that are written in a cell."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from model.written_list import LONGEST, written_list


@pytest.mark.parametrize("items", [["red", "blue"], ["it's", 'a "b"'], ["größe, 42"], []])
def test_a_list_is_read_as_json_pandas_and_numpy_write_it(items: list[str]) -> None:
    for written in (json.dumps(items), str(items), str(np.array(items, object)), f" {items} "):
        assert written_list(written) == items


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("[1, -2.5]", ["1", "-2.5"]),
        ("[1 2 3]", ["1", "2", "3"]),
        ("['red'\n 'blue']", ["red", "blue"]),
        ("['a', None, '', ' b ', True]", ["a", "b", "true"]),
    ],
)
def test_items_are_texts_without_what_is_absent(cell: str, items: list[str]) -> None:
    assert written_list(cell) == items


@pytest.mark.parametrize(
    "cell",
    [
        *("red, blue", "", "[red, blue]", "[draft] a mug [old]", "['a'] or ['b']", "['a'", "[f'a']", "[1 - 2]"),
        *("[['a']]", "[{'a': 1}]", "[" * 4000 + "]" * 4000, str(["x" * LONGEST])),
    ],
)
def test_what_is_no_list_of_texts_and_numbers_stays_a_text(cell: str) -> None:
    assert written_list(cell) is None


def test_a_backslash_in_an_item_is_no_cause_for_a_warning() -> None:
    with warnings.catch_warnings(action="error"):
        assert written_list(r"['a\d']") == [r"a\d"]
