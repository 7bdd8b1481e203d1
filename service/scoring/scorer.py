"""What scores rows: one model in this process, or whatever else keeps the same promise."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from model.bundle import Bundle
from service.commands.local import Load, opened
from service.scoring.reader import Reader
from service.scoring.remaining import Remaining
from service.scoring.scored import Scored
from service.scoring.stream import BATCHES, scored
from service.settings import Settings

# Threads that read pictures: enough to keep a network disk busy, and next to nothing on a local one.
READERS = 8


class Scorer(Protocol):
    """Where rows are scored."""

    def scoring(self, rows: Remaining, reader: Reader) -> AbstractContextManager[Iterator[Scored]]:
        """What becomes of each row, in the order of the manifest, for as long as the context lasts.

        Args:
            rows: to be scored; `rows.manifest.share_read` is kept up to date.
            reader: makes examples of them.
        """


class LocalScorer:
    """Scores in this process, by the same pipeline as a server's.

    Args:
        bundle: the model.
        settings: limits, size of a batch and numbers of threads.
        load: a bundle -> its runtime; TensorFlow's if not given.
    """

    def __init__(self, bundle: Bundle, settings: Settings, load: Load | None = None) -> None:
        self._bundle = bundle
        self._settings = with_room_for(settings, BATCHES * settings.max_batch_size)
        self._load = load

    @contextmanager
    def scoring(self, rows: Remaining, reader: Reader) -> Iterator[Iterator[Scored]]:
        """Loads the model, then scores.

        Raises:
            BundleError: if the model can't be loaded.
        """
        with opened(self._bundle, self._settings, self._load) as engine, ThreadPoolExecutor(READERS) as readers:
            yield scored(rows, reader, engine, readers, batch_size=self._settings.max_batch_size)


def with_room_for(settings: Settings, waiting: int) -> Settings:
    """The settings, with a queue in which at least so many examples can wait."""
    return settings.model_copy(update={"max_waiting": max(settings.max_waiting, waiting)})
