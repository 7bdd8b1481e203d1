"""The versions that people have chosen, kept over restarts: `pins.json`, for each model the number."""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from pathlib import Path

from model.errors import StorageError

FILE_NAME = "pins.json"


class Pins:
    """For each pinned model its version. Safe to use from many threads; the file is written whole or not at all.

    A pin stays when its version is gone: it may only be late, on a volume that is not mounted yet.

    Args:
        directory: the state directory; made when the first pin is saved, in one that is there.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE_NAME
        self._versions: dict[str, int] = {}
        self._lock = threading.Lock()

    def read(self) -> None:
        """Takes over what was saved; nothing if there is no file.

        Raises:
            StorageError: if there is one that can't be read, or holds something else.
        """
        try:
            data = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(
                f"The pins in {self._file} can't be read ({error.strerror}). Make the file readable, or set another "
                "state directory."
            ) from None
        except (ValueError, RecursionError) as error:
            raise StorageError(f"{self._file} is damaged: {error}. {_MEND}") from None
        if not isinstance(data, dict):
            raise StorageError(f"{self._file} holds no object of models and versions. {_MEND}")
        for name, version in data.items():
            if type(version) is not int or version < 0:
                raise StorageError(f"{self._file}: {name}: {json.dumps(version)} is no version number. {_MEND}")
        with self._lock:
            self._versions = data

    def get(self, name: str) -> int | None:
        """The version that a model is pinned to."""
        return self._versions.get(name)

    def set(self, name: str, version: int | None) -> None:
        """Pins a model to a version, or lifts its pin; `save` makes it last."""
        with self._lock:
            if version is None:
                self._versions.pop(name, None)
            else:
                self._versions[name] = version

    def save(self) -> None:
        """Writes the file.

        Raises:
            OSError: if it can't be written; what was there before is then still there.
        """
        with self._lock:
            text = json.dumps(self._versions, indent=2, sort_keys=True) + "\n"
            # Without its parents: an empty models folder, where a volume was, would look as if all models were gone.
            self._file.parent.mkdir(exist_ok=True)
            unfinished = self._file.with_name(f".{FILE_NAME}.{os.getpid()}")
            try:
                with unfinished.open("w", encoding="utf-8") as stream:
                    stream.write(text)
                    stream.flush()
                    os.fsync(stream.fileno())
                unfinished.replace(self._file)
            except OSError:
                with suppress(OSError):
                    unfinished.unlink(missing_ok=True)
                raise
            _sync(self._file.parent)


_MEND = 'Expected {"<model>": <version>, ...}. Mend it, or remove it to follow the newest versions again.'


def _sync(directory: Path) -> None:
    """Makes a renaming in a directory last through a loss of power."""
    with suppress(OSError):  # not every file system lets a directory be synchronised
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
