"""What a person sees while something long runs: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

LINE_EVERY_S = 10.0


class Reporter:
    """Tells how far a task is and how long it will take.

    Args:
        console: where to; if it is no terminal, a line is printed at most every `LINE_EVERY_S` seconds.
        clock: gives seconds.
    """

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self.clock = clock

    def say(self, line: str) -> None:
        """Prints a line."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def show(self, table: Table) -> None:
        """Prints a table."""
        self._console.print(table)

    @contextmanager
    def task(self, name: str) -> Iterator[Task]:
        """A task that is under way as long as the context is open."""
        if not self._console.is_terminal:
            yield Task(name, self)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            yield _BarTask(name, self, bar, bar.add_task(name, total=None, note=""))


class Task:
    """A task told of in lines.

    Args:
        name: what is being done, as in "Decoding pictures".
        reporter: where lines go.

    Attributes:
        standing: shown with each step, as the last validation figure.
    """

    def __init__(self, name: str, reporter: Reporter) -> None:
        self.name = name
        self.standing = ""
        self._reporter = reporter
        self._last = reporter.clock()
        self._first: tuple[float, int] | None = None

    def begin(self, done: int) -> None:
        """Is told what an earlier process did, before the first update."""

    def step(self, done: int, total: int, loss: float, examples_per_s: float) -> None:
        """Training steps done, steps in all, the loss of the last one, and how fast it goes."""
        told = [f"loss {loss:.3f}", self.standing, f"{examples_per_s:,.0f} examples/s"]
        self.update(done, total, "  ".join(filter(None, told)))

    def update(self, done: int, total: int, note: str = "") -> None:
        """Steps done, steps in all, and what else to show."""
        now = self._reporter.clock()
        if self._first is None:
            self._first = now, done  # what came before says little: an earlier process, or the making of a graph
        since, before = self._first
        if now - self._last >= LINE_EVERY_S and done > before:
            self._last = now
            left = (now - since) / (done - before) * (total - done)
            self._reporter.say(f"{self.name}: {done}/{total}, {left:.0f} s left {note}".rstrip())


class _BarTask(Task):
    """A task shown as a live bar."""

    def __init__(self, name: str, reporter: Reporter, bar: Progress, task: TaskID) -> None:
        super().__init__(name, reporter)
        self._bar = bar
        self._task = task

    def begin(self, done: int) -> None:
        """Leaves what was done before out of the bar's speed."""
        self._bar.reset(self._task, completed=done)

    def update(self, done: int, total: int, note: str = "") -> None:
        """Moves the bar."""
        self._bar.update(self._task, completed=done, total=total, note=note)
