"""How far a run is: a line that renews itself on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

LINE_EVERY_S = 10.0
RENEWED_EVERY_S = 0.2


class Progress:
    """Tells of the rows that this run has scored.

    Args:
        stream: where to.
        clock: gives seconds.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._is_terminal = stream.isatty()
        self._started = self._told = clock()
        self._share_before = 0.0
        self._width = 0

    def start(self, share_done: float) -> None:
        """Begins to count.

        Args:
            share_done: of the manifest by earlier runs, from 0 to 1; took none of the time that is measured.
        """
        self._share_before = share_done
        self._started = self._told = self._clock()

    def update(self, rows: int, bad: int, share_done: float) -> None:
        """Tells how far it is, unless it was told just now.

        Args:
            rows: scored by this run.
            bad: of them.
            share_done: of the manifest, from 0 to 1.
        """
        now = self._clock()
        if now - self._told < (RENEWED_EVERY_S if self._is_terminal else LINE_EVERY_S):
            return
        self._told = now
        spent_s = now - self._started
        line = f"{rows:,} rows, {rows / spent_s:,.0f} rows/s"
        if share_done > self._share_before:
            left_s = spent_s * (1 - share_done) / (share_done - self._share_before)
            line += f", {share_done:.0%} of the manifest, {duration(left_s)} left"
        self._write(line + (f", {bad:,} bad" if bad else ""))

    def end(self) -> None:
        """Leaves the terminal as it was."""
        if self._is_terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()

    def _write(self, line: str) -> None:
        self._stream.write(f"\r{line:<{self._width}}" if self._is_terminal else f"{line}\n")
        self._width = max(self._width, len(line))
        self._stream.flush()


def duration(seconds: float) -> str:
    """As in "2 h 05 min", "12 min" or "34 s"."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min" if seconds >= 120 else f"{seconds:.0f} s"
