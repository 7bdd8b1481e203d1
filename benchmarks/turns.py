"""Programs that work when it is their turn, each a process with libraries of its own. Standard library alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[1]


def take_turns(candidates: Mapping[str, Callable[[], tuple[int, float]]], *, facts: Mapping[str, object]) -> None:
    """Works on what is asked for over standard input, until that ends.

    Args:
        candidates: by name; each does one turn, and returns how many examples it saw in how many seconds.
        facts: told once, before the first turn.
    """
    _say({"names": list(candidates), **facts})
    for line in sys.stdin:
        done, seconds = candidates[line.strip()]()
        _say({"rate": done / seconds})


def timed(work: Callable[[], int]) -> Callable[[], tuple[int, float]]:
    """Work that returns how much it did, with the seconds it took."""

    def run() -> tuple[int, float]:
        started = time.perf_counter()
        done = work()
        return done, time.perf_counter() - started

    return run


class Peer:
    """Such a program.

    Args:
        command: that runs it.
        environment: variables that it has beside this process's.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (our own commands)
            command,
            cwd=ROOT,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict(environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts = self._heard()
        self.names = [str(name) for name in self.facts["names"]]

    def rate(self, name: str) -> float:
        """One turn of a candidate: examples/s."""
        if self._process.stdin is None:
            raise RuntimeError("the program's standard input is no pipe")
        self._process.stdin.write(f"{name}\n")
        self._process.stdin.flush()
        return float(self._heard()["rate"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _heard(self) -> dict[str, object]:
        # Libraries print too; what is meant for us begins so.
        while line := self._process.stdout.readline() if self._process.stdout else "":
            if line.startswith(_MARK):
                return json.loads(line.removeprefix(_MARK))
        code = self._process.wait()
        self._end()
        raise RuntimeError(f"{self._process.args} ended with exit code {code}; its error stands above.")

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()


_MARK = "turn: "


def _say(told: Mapping[str, object]) -> None:
    print(_MARK + json.dumps(told), flush=True)
