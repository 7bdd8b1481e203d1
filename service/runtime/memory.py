"""Choices of earlier starts, kept in the state directory: `backends.json`. Without TensorFlow."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

logger = logging.getLogger("bifocal")

FILE_NAME = "backends.json"
KEPT = 100


class Memory:
    """For each model on each kind of machine, the backends that were chosen.

    Only what can be measured again is in it: a file that is missing or damaged is begun anew, one that can't be written
    is told and done without.

    Args:
        directory: the state directory; made when there is something to keep.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE_NAME

    def recall(self, key: str) -> list[str] | None:
        """The names that were chosen, at least one."""
        found = self._read().get(key)
        is_whole = isinstance(found, list) and bool(found) and all(isinstance(name, str) for name in found)
        return found if is_whole else None

    def keep(self, key: str, names: list[str]) -> None:
        """Keeps a choice; the oldest ones are forgotten."""
        known = {one: value for one, value in self._read().items() if one != key}
        choices = dict([*known.items(), (key, names)][-KEPT:])
        unfinished = self._file.with_name(f".{FILE_NAME}.{os.getpid()}")
        try:
            self._file.parent.mkdir(exist_ok=True)
            unfinished.write_text(json.dumps(choices, indent=2) + "\n", encoding="utf-8")
            unfinished.replace(self._file)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            logger.info("the choice of a backend can't be kept in %s (%s): every start measures", self._file, error)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
