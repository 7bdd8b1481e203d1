"""Choices of earlier starts, kept in the state directory: `backends/<key>.json`. Without TensorFlow."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path

logger = logging.getLogger("bifocal")

FOLDER = "backends"
KEPT = 200


class Memory:
    """For each model on each kind of machine, the backends that were chosen.

    Only what can be measured again is in it: a file that is missing or damaged counts as none, one that can't be
    written is told and done without. A file each, so that services with one state directory don't get in each other's
    way.

    Args:
        directory: the state directory; made when there is something to keep.
    """

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER

    def recall(self, key: str) -> list[str] | None:
        """The names that were chosen, at least one."""
        file = self._folder / f"{key}.json"
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        with suppress(OSError):
            os.utime(file)  # what is used is not what is forgotten
        is_whole = isinstance(found, list) and bool(found) and all(isinstance(name, str) for name in found)
        return found if is_whole else None

    def keep(self, key: str, names: list[str]) -> None:
        """Keeps a choice; those that were not used for longest are forgotten."""
        try:
            # Without its parents: an empty models folder, where a volume was, would look as if all models were gone.
            self._folder.parent.mkdir(exist_ok=True)
            self._folder.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder.parent, prefix=f".{FOLDER}.") as beside:
                unfinished = Path(beside, "choice.json")
                unfinished.write_text(json.dumps(names) + "\n", encoding="utf-8")
                unfinished.replace(self._folder / f"{key}.json")
            for file in sorted(self._folder.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)[KEPT:]:
                file.unlink(missing_ok=True)
        except OSError as error:
            logger.info("the choice of a backend can't be kept in %s (%s): every start measures", self._folder, error)
