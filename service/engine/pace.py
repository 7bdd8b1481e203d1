"""How fast examples leave a pipeline, learned from those that left."""

from __future__ import annotations

# Weight that what was learned keeps when one more example has left: about the last fifty count.
_KEPT = 0.98


class Pace:
    """Seconds an example, averaged over the recent past, whatever bounds them: decoding, the model, other load.

    Measured from departures while there is work, so it needs no model of what runs beside what. Not thread-safe: its
    owner calls it under a lock of its own.
    """

    def __init__(self) -> None:
        self._seconds: float | None = None
        self._batch_size = 1.0
        self._since = 0.0
        self._left = 0

    def began(self, now: float) -> None:
        """The first example after a time without any has come.

        Args:
            now: seconds of a monotonic clock, as in all methods.
        """
        self._since = now

    def left(self, count: int, now: float) -> None:
        """A batch of `count` examples, at least 1, has been answered."""
        sample = (now - self._since) / count
        self._since = now
        # A plain mean at first: what comes first is often slower, and must not be what is believed for long.
        kept = min(_KEPT**count, self._left / (self._left + count))
        self._left += count
        self._seconds = sample if self._seconds is None else kept * self._seconds + (1 - kept) * sample
        self._batch_size = kept * self._batch_size + (1 - kept) * count

    def wait_s(self, ahead: int, count: int) -> float:
        """Seconds until `count` examples that come behind `ahead` others are answered; 0 as long as nothing is known.

        A batch is answered as a whole, so those that come later and share the last one count as well.
        """
        if self._seconds is None:
            return 0.0
        return (ahead + max(count, self._batch_size)) * self._seconds
