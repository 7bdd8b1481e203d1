"""A whole run: all servers started, then measured in turn, those whose turn it isn't stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving.candidates import Candidate, Variant
from benchmarks.serving.entrant import Entrant
from benchmarks.serving.folder import ROOT
from benchmarks.serving.pictures import MIX, USUAL
from benchmarks.serving.questions import Questions
from benchmarks.serving.running import Server, plain_environment, started
from benchmarks.serving.wires import MULTIPART

CLIENTS = (1, 8, 64)
MANY = CLIENTS[-1]
_IDLE_S, _MEMORY_S = 5.0, 3.0
EMPTY = Candidate(
    "uvicorn alone", None, [Variant("empty", ("-m", "benchmarks.serving.servers.empty_server"), MULTIPART)]
)


@dataclass
class Run:
    """Everything that is measured at once.

    Args:
        entrants: the servers; the first one is the measure.
        models: folder of models.
        saved_model: the directory of the SavedModel.
        questions: what is asked.
        sizes: of the pictures.
        seconds: of load, each time.
        bare_start_s: seconds that importing, loading and one call take, each time.
        ceilings: of each round.
        empty: the bare HTTP server.
    """

    entrants: Sequence[Entrant]
    models: Path
    saved_model: Path
    questions: Questions
    sizes: Sequence[str]
    seconds: float
    bare_start_s: list[float] = field(default_factory=list)
    ceilings: list[dict[str, dict[str, float]]] = field(default_factory=list)
    empty: Entrant = field(default_factory=lambda: Entrant(EMPTY, EMPTY.variants[0]))

    def measure(self, *, rounds: int, starts: int) -> None:
        """Starts all of them, the last time to stay, and gives each its turns.

        Args:
            rounds: turns of each.
            starts: how often each is started.
        """
        with ExitStack() as stack:
            servers = self._start(stack, starts)
            for entrant, server in servers:
                if entrant is not self.empty and not entrant.only_one_client:
                    print(f"  {entrant.name}: idle, and memory under load", flush=True)
                    with server.turn():
                        entrant.measure_idle(server, seconds=_IDLE_S)
                        file = self.questions.file(MIX if MIX in self.sizes else self.sizes[0], server)
                        entrant.measure_memory(server, file, MANY, seconds=_MEMORY_S)
            for number in range(rounds):
                turn = number % max(1, len(servers))
                for size, clients in self._loads():
                    print(f"  round {number + 1} of {rounds}: {size}, {clients} clients", flush=True)
                    for entrant, server in servers[turn:] + servers[:turn]:
                        if self._is_loaded(entrant, size, clients):
                            with server.turn():
                                file = self.questions.file(size, server)
                                entrant.measure(server, file, size, clients, seconds=self.seconds)
                print(f"  round {number + 1} of {rounds}: ceilings", flush=True)
                self.ceilings.append(self._ceilings())

    def _loads(self) -> list[tuple[str, int]]:
        """Which pictures by how many clients, one after the other, each of them for all servers in turn."""
        return [(size, clients) for size in self.sizes for clients in (CLIENTS if size == self._usual else (MANY,))]

    def _is_loaded(self, entrant: Entrant, size: str, clients: int) -> bool:
        if entrant.only_one_client:
            return (size, clients) == (self._usual, 1)
        return entrant is not self.empty or (size, clients) == (self._usual, MANY)

    def _start(self, stack: ExitStack, starts: int) -> list[tuple[Entrant, Server]]:
        servers = []
        # What ours has measured and chosen before: its first start is to be the first.
        shutil.rmtree(self.models / ".state", ignore_errors=True)
        for number in range(starts):
            print(f"  start {number + 1} of {starts}: TensorFlow alone", flush=True)
            self.bare_start_s.append(self._bare_start())
            for entrant in [*self.entrants, self.empty]:
                stays = number == starts - 1
                if entrant.left_out or ((entrant.only_one_client or entrant is self.empty) and not stays):
                    continue
                print(f"  start {number + 1} of {starts}: {entrant.name}", flush=True)
                with ExitStack() as own:
                    try:
                        server = own.enter_context(
                            started(
                                entrant.candidate,
                                entrant.variant,
                                models=self.models,
                                saved_model=self.saved_model,
                                asked=self.questions.first,
                            )
                        )
                    except RuntimeError as error:
                        entrant.left_out = str(error)
                    else:
                        entrant.first_answer_s.append(server.first_answer_s)
                        if entrant is not self.empty:
                            entrant.check(server, self.questions)
                    if entrant.left_out and entrant is self.entrants[0]:
                        raise RuntimeError(f"{entrant.name}, the measure of all others, {entrant.left_out}")
                    if entrant.left_out:
                        print(f"  {entrant.name} is left out: {entrant.left_out}", flush=True)
                    elif stays:
                        server.settle()
                        server.tree.stop()
                        stack.push(own.pop_all())
                        servers.append((entrant, server))
        return servers

    @property
    def _usual(self) -> str:
        return usual_of(self.sizes)

    def _bare_start(self) -> float:
        command = [sys.executable, "-m", "benchmarks.serving.bare", str(self.saved_model)]
        begun = time.monotonic()
        with subprocess.Popen(  # noqa: S603
            command, cwd=ROOT, env=plain_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            line = process.stdout.readline() if process.stdout else b""
            taken = time.monotonic() - begun
        if not line.startswith(b"called"):
            raise RuntimeError(f"{' '.join(command)} failed")
        return taken

    def _ceilings(self) -> dict[str, dict[str, float]]:
        command = [sys.executable, "-m", "benchmarks.serving.ceilings", str(self.models), "--pictures", self._usual]
        done = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=plain_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        found: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])
        return found


def usual_of(sizes: Sequence[str]) -> str:
    """The size that latencies and ceilings are measured with."""
    return USUAL if USUAL in sizes else sizes[0]
