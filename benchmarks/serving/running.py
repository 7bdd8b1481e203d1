"""A server in processes of its own: started, stopped while others are measured, ended in any case."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from benchmarks.processes import Tree
from benchmarks.serving.asking import ask
from benchmarks.serving.candidates import Candidate, Variant
from benchmarks.serving.environments import python_of
from benchmarks.serving.folder import ROOT, made
from benchmarks.serving.load import Load, load
from benchmarks.serving.pictures import Asked

_START_S = 120
_POLL_S = 0.01


class Server:
    """One that runs.

    Args:
        candidate, variant: what it is.
        port: where it listens.
        tree: its processes.
        first_answer_s: seconds from its start to its first right answer.
    """

    def __init__(self, candidate: Candidate, variant: Variant, port: int, tree: Tree, first_answer_s: float) -> None:
        self.candidate, self.variant = candidate, variant
        self.port, self.tree = port, tree
        self.first_answer_s = first_answer_s

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Lets it run; stopped again in the end. What a load broke off is worked off by then, see `load`."""
        self.tree.go_on()
        try:
            yield
        finally:
            self.tree.stop()

    def load(self, requests: Path, *, clients: int, seconds: float, warm_up_s: float) -> Load:
        """Loads it; it has settled again afterwards."""
        found = load(
            requests, port=self.port, clients=clients, seconds=seconds, warm_up_s=warm_up_s, cpu_s=self.tree.cpu_s
        )
        self.settle()
        return found

    def settle(self, *, patience_s: float = 3) -> None:
        """Waits until it does next to nothing; there are some that always do something."""
        deadline = time.monotonic() + patience_s
        before = self.tree.cpu_s()
        while time.monotonic() < deadline:
            time.sleep(0.3)
            now = self.tree.cpu_s()
            if now - before <= 0.03:
                return
            before = now


@contextmanager
def started(
    candidate: Candidate, variant: Variant, *, models: Path, saved_model: Path, asked: Asked
) -> Iterator[Server]:
    """A server that has given its first answer.

    Args:
        candidate, variant: which.
        models: folder of models, for ours.
        saved_model: the directory of the SavedModel, for peers.
        asked: what it is asked first.

    Raises:
        RuntimeError: if it ends or gives no answer in time, with the file of its log.
    """
    ports = free_ports(3)
    scratch = made("scratch", str(ports[0]))
    environment = plain_environment() | {
        "BENCHMARK_SAVED_MODEL": str(saved_model),
        "BENCHMARK_PORT": str(ports[0]),
        "BENCHMARK_PORT_2": str(ports[1]),
        "BENCHMARK_PORT_3": str(ports[2]),
        "BENCHMARK_SCRATCH": str(scratch),
        "BENTOML_HOME": str(scratch / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "true",
        **variant.environment,
    }
    python = python_of(candidate.requirements) if candidate.requirements else Path(sys.executable)
    arguments = [argument.format(port=ports[0], models=models) for argument in variant.arguments]
    log = made("logs") / f"{_file_name(candidate.name)}-{_file_name(variant.name)}.log"
    begun = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603  (our own commands)
            [str(python), *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    tree = Tree(process.pid)
    try:
        request = variant.wire.request(asked, port=ports[0])
        while not _answers(request, ports[0]):
            if process.poll() is not None:
                raise RuntimeError(f"{candidate.name} ended with {process.returncode} as it started; its log: {log}")
            if time.monotonic() > begun + _START_S:
                raise RuntimeError(f"{candidate.name} gave no answer within {_START_S} s; its log: {log}")
            time.sleep(_POLL_S)
        server = Server(candidate, variant, ports[0], tree, time.monotonic() - begun)
        tree.members()
        yield server
    finally:
        tree.end()
        process.wait()
        shutil.rmtree(scratch, ignore_errors=True)


def plain_environment() -> dict[str, str]:
    """This process's variables without those that set up our service or, as importing `model` does, TensorFlow."""
    ours = ("BIFOCAL_", "TF_ENABLE_ONEDNN_OPTS")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _answers(request: bytes, port: int) -> bool:
    try:
        return ask(request, port=port, timeout_s=_START_S).status == 200
    except (OSError, HTTPException):
        return False


def _file_name(name: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in name.lower())
