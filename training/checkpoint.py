"""The file that a training can go on from."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.errors import StorageError
from training.course import Course

Arrays = Mapping[str, NDArray[np.generic]]

_COURSE = "course"
# Share of the time that checkpoints may take: after a short epoch there is none if they are slow to write.
LARGEST_SHARE = 0.03


class Checkpoint:
    """One file, always whole: a new one is written beside it, brought to the disk, and put in its place.

    Args:
        file: an .npz; its folder is made.
        every_s: seconds between two.
        clock: gives seconds.
    """

    def __init__(self, file: Path, *, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.file = file
        self._every_s = every_s
        self._clock = clock
        self._written_at = clock()
        self.spent_s = 0.0  # on all that were written here
        self._last_s = 0.0

    @property
    def exists(self) -> bool:
        """Whether there is one to go on from."""
        return self.file.is_file()

    def is_due(self, *, after_epoch: bool = False) -> bool:
        """Whether it is time for another.

        Args:
            after_epoch: whether an epoch is just over, after which there is one sooner.
        """
        soon = self._last_s / LARGEST_SHARE
        return self._clock() - self._written_at >= (soon if after_epoch else max(self._every_s, soon))

    def write(self, arrays: Arrays, course: Course) -> None:
        """Replaces the checkpoint.

        Args:
            arrays: all variables by name; none is named `course`.
            course: how far the training is.

        Raises:
            StorageError: if it can't be written; the one before is still there then.
        """
        started = self._clock()
        beside = self.file.with_suffix(".part")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as stream:
                text = np.frombuffer(course.to_json().encode(), np.uint8)
                np.savez(stream, allow_pickle=False, **{_COURSE: text}, **arrays)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(self.file)
            _sync(self.file.parent)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise StorageError(f"The checkpoint {self.file} can't be written: {error.strerror or error}.") from error
        self._written_at = self._clock()
        self._last_s = self._written_at - started
        self.spent_s += self._last_s

    def read(self) -> tuple[dict[str, NDArray[np.generic]], Course]:
        """What was written last.

        Raises:
            StorageError: if the file is damaged.
        """
        with self._opened() as saved:
            return {name: saved[name] for name in saved.files if name != _COURSE}, _course(saved)

    def read_course(self) -> Course:
        """How far the training was, without its weights.

        Raises:
            StorageError: if the file is damaged.
        """
        with self._opened() as saved:
            return _course(saved)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            with self.file.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
                yield saved
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise StorageError(
                f"The checkpoint {self.file} is damaged and can't be gone on from ({error}). "
                "Delete it to train from the beginning."
            ) from error


def _course(saved: Mapping[str, NDArray[np.generic]]) -> Course:
    return Course.from_json(saved[_COURSE].tobytes().decode())


def _sync(folder: Path) -> None:
    """Brings the new name to the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
