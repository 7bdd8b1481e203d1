"""Numbers on a benchmark's command line."""

from __future__ import annotations

import sys

import pytest

from benchmarks.arguments import numbers


@pytest.mark.parametrize(("given", "expected"), [([], [5, 50]), (["7"], [7]), (["9", "8"], [9, 8])])
def test_those_given_are_taken(given: list[str], expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["rows", *given])

    assert numbers("What it does.", "ROWS", (5, 50), least=2) == expected


@pytest.mark.parametrize(
    ("given", "message"), [("abc", "invalid whole number value: 'abc'"), ("1", "1 is less than 2"), ("--x", "--x")]
)
def test_what_is_no_number_is_told(
    given: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["rows", given])

    with pytest.raises(SystemExit):
        numbers("What it does.", "ROWS", (5, 50), least=2)
    assert message in capsys.readouterr().err
