"""One server of a run, and what was measured of it so far."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from benchmarks.serving.candidates import Candidate, Variant
from benchmarks.serving.load import Load
from benchmarks.serving.pictures import LARGE
from benchmarks.serving.questions import Questions
from benchmarks.serving.running import Server

# Clients that all begin at once meet a server that does the same with all of them; how long depends on the pictures.
_WARM_UP_S, _WARM_UP_LARGE_S = 0.7, 2.0
_SAMPLE_S = 0.1


@dataclass
class Entrant:
    """One way to run a server, that takes part.

    Args:
        candidate, variant: what it is.
        only_one_client: it is only there for its p50 with one client.
        first_answer_s: seconds from each start to the first answer.
        difference: how far its probabilities were from the right ones.
        idle_cpu: share of one CPU that it used without load.
        peak_memory_bytes: of all its processes, under load.
        loads: by size of the pictures and number of clients, one a round.
        left_out: why it is not measured, or none.
    """

    candidate: Candidate
    variant: Variant
    only_one_client: bool = False
    first_answer_s: list[float] = field(default_factory=list)
    difference: float = float("nan")
    idle_cpu: float = float("nan")
    peak_memory_bytes: int = 0
    loads: dict[tuple[str, int], list[Load]] = field(default_factory=dict)
    left_out: str | None = None

    @property
    def name(self) -> str:
        return self.candidate.name + (", at one client" if self.only_one_client else "")

    def values(self, size: str, clients: int, of: Callable[[Load], float]) -> list[float]:
        """Something of each round's load; none if it was not loaded so."""
        return [of(one) for one in self.loads.get((size, clients), [])]

    def median(self, size: str, clients: int, of: Callable[[Load], float]) -> float:
        """The median of the rounds; not a number if it was not loaded so."""
        values = self.values(size, clients, of)
        return statistics.median(values) if values else float("nan")

    def measure(self, server: Server, file: Path, size: str, clients: int, *, seconds: float) -> None:
        """A round's load; twice the seconds for large pictures, of which there are few in a second."""
        if size == LARGE:
            found = server.load(file, clients=clients, seconds=2 * seconds, warm_up_s=_WARM_UP_LARGE_S)
        else:
            found = server.load(file, clients=clients, seconds=seconds, warm_up_s=_WARM_UP_S)
        self.loads.setdefault((size, clients), []).append(found)

    def check(self, server: Server, questions: Questions) -> None:
        """Compares its answers with the right ones; one that answers something else takes no part."""
        try:
            self.difference = questions.difference(server)
        except (ValueError, LookupError, OSError, HTTPException) as error:
            self.left_out = f"does not answer: {error!r}"
            return
        if not self.difference <= self.candidate.tolerance:
            self.left_out = f"answers something else: probabilities differ by {self.difference:.2g}"

    def measure_idle(self, server: Server, *, seconds: float) -> None:
        """What it uses when nobody asks."""
        server.settle()
        before = server.tree.cpu_s()
        time.sleep(seconds)
        self.idle_cpu = (server.tree.cpu_s() - before) / seconds

    def measure_memory(self, server: Server, file: Path, clients: int, *, seconds: float) -> None:
        """The most memory it takes under load; looking takes time, so nothing else is measured meanwhile."""
        done = threading.Event()

        def look() -> None:
            while not done.wait(_SAMPLE_S):
                self.peak_memory_bytes = max(self.peak_memory_bytes, sum(server.tree.memory()))

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            server.load(file, clients=clients, seconds=seconds, warm_up_s=_WARM_UP_S)
        finally:
            done.set()
            watcher.join()
