"""JSON that people read too."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from model.json_text import json_text

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


def test_a_row_of_numbers_is_a_line() -> None:
    text = json_text({"confusion": [[1, 0], [0, 2]], "confused": [["a", "b", 3]], "labels": ["ä", "b"], "none": []})

    assert text.splitlines() == [
        "{",
        '  "confusion": [',
        "    [1, 0],",
        "    [0, 2]",
        "  ],",
        '  "confused": [',
        '    ["a", "b", 3]',
        "  ],",
        '  "labels": [',
        '    "ä",',
        '    "b"',
        "  ],",
        '  "none": []',
        "}",
    ]


def test_numbers_as_keys_are_written_as_texts() -> None:
    assert json.loads(json_text({"validation": {3: {}}})) == {"validation": {"3": {}}}


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_what_is_read_is_what_was_written(value: object) -> None:
    assert json.loads(json_text(value)) == value
