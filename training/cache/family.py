"""The pictures that were decoded in one way: their pixels, their index and who may add to them."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from training.cache.database import remove
from training.cache.errors import telling
from training.cache.index import Index, Known
from training.cache.picture import Decoding
from training.cache.shards import Shards


class Family:
    """A folder of the cache. Any number of processes may read it while one adds to it.

    Args:
        cache: the cache's folder.
        decoding: how its pictures are decoded.

    Attributes:
        unfinished: a file that is there from when someone begins to add until all is added.
    """

    def __init__(self, cache: Path, decoding: Decoding) -> None:
        self.decoding = decoding
        self.directory = cache / decoding.family
        self.shards = Shards(self.directory, decoding.shape)
        self.index = Index(self.directory / "index.sqlite")
        self.unfinished = self.directory / "unfinished"

    def load(self) -> Known:
        """What it holds, without the pictures whose pixels are gone.

        Raises:
            DamagedError: if the index is damaged.
        """
        known = self.index.load()
        return known.subset((known.slots < 0) | self.shards.holds(known.slots))

    def clear(self) -> None:
        """Forgets everything. Who reads it goes on with what it was."""
        remove(self.index.path)
        self.shards.remove()
        self.shards = Shards(self.directory, self.decoding.shape)

    @contextmanager
    def alone(self, say: Callable[[str], None]) -> Iterator[bool]:
        """While it is open, no other process adds. It ends with the process, however that ends.

        Args:
            say: told if another process has to be waited for.

        Yields:
            Whether it was.

        Raises:
            StorageError: if the folder can't be written or locked.
        """
        has_waited = False
        with ExitStack() as stack:
            with telling(self.directory.parent):
                lock = stack.enter_context((self.directory / "lock").open("a"))
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    say(f"Another run is decoding pictures into {self.directory}: waiting for it, and then using them.")
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    has_waited = True
            yield has_waited
