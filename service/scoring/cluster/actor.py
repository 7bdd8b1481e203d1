"""A model on a node of the cluster."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model.bundle import Bundle
from model.errors import BifocalError, BundleError
from service.commands.local import Load, opened
from service.scoring.cluster.chunks import as_bytes, portion_of, rows_in, table
from service.scoring.reader import Reader
from service.scoring.score import digest_of
from service.scoring.scorer import READERS
from service.scoring.stream import scored
from service.settings import Settings

if TYPE_CHECKING:
    import pyarrow


@dataclass(frozen=True)
class Work:
    """What an actor is sent.

    Args:
        bundle: where each node has the model.
        digest: of the model, as the others have it.
        reader: makes examples of rows.
        settings: limits, size of a batch and numbers of threads.
        load: a bundle -> its runtime; TensorFlow's if not given.
    """

    bundle: Path
    digest: str
    reader: Reader
    settings: Settings
    load: Load | None


class Actor:
    """Loads the model once and scores portions of rows. Ray makes it, calls it, and makes it anew if its process ends.

    Args:
        work: what it is for.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._error: BifocalError | None = None
        try:
            bundle = Bundle(work.bundle)
            if digest_of(bundle) != work.digest:
                raise BundleError(f"{work.bundle} is another model on one node than on the others. Copy it to all.")
            self._held = ExitStack()
            self._engine = self._held.enter_context(opened(bundle, work.settings, work.load))
            self._readers = self._held.enter_context(ThreadPoolExecutor(READERS))
        except (BifocalError, OSError) as error:
            # What is raised here would be an end without words for the one who waits.
            self._error = error if isinstance(error, BifocalError) else BundleError(str(error))

    def __call__(self, block: pyarrow.Table) -> pyarrow.Table:
        """What became of the rows of a portion; two may be asked for at once."""
        portion, share = portion_of(block)
        if self._error is not None:
            return table(as_bytes(self._error), share)
        batch_size = self._work.settings.max_batch_size
        try:
            rows = rows_in(portion)
        except BifocalError as error:
            return table(as_bytes(error), share)
        results = scored(rows, self._work.reader, self._engine, self._readers, batch_size=batch_size)
        return table(as_bytes(list(results)), share)
