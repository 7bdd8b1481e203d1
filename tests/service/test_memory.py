"""What was chosen at earlier starts."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from service.backends import AS_SAVED
from service.runtime.memory import FOLDER, KEPT, Memory


def test_a_memory_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for number in range(KEPT):
        memory.keep(f"key{number}", ["frozen-float32"])
        os.utime(tmp_path / FOLDER / f"key{number}.json", (number, number))
    assert memory.recall("key0") == ["frozen-float32"]
    memory.keep("another", [AS_SAVED])

    assert memory.recall("key0") == ["frozen-float32"]
    assert memory.recall("key1") is None
    assert len(list((tmp_path / FOLDER).iterdir())) == KEPT


@pytest.mark.parametrize("damaged", ["{", "{}", "[]", "[3]"])
def test_a_damaged_memory_is_none(tmp_path: Path, damaged: str) -> None:
    Memory(tmp_path).keep("key", [AS_SAVED])
    (tmp_path / FOLDER / "key.json").write_text(damaged)

    assert Memory(tmp_path).recall("key") is None


def test_a_memory_that_cannot_be_written_is_done_without(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.INFO, "bifocal"):
        Memory(tmp_path / "file").keep("key", [AS_SAVED])

    assert "can't be kept in" in caplog.text
