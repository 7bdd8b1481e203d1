"""Who is told of each batch that a model has run."""

from __future__ import annotations

from typing import Protocol


class Watcher(Protocol):
    """Who is told of each batch; called from the model's threads."""

    def batch_ran(self, size: int, seconds: float) -> None:
        """A batch of `size` examples took the model `seconds`."""


class NobodyWatches:
    """A watcher that forgets what it is told."""

    def batch_ran(self, size: int, seconds: float) -> None:
        """Nothing."""
