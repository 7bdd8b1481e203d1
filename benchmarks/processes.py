"""What a tree of processes uses, read from /proc: CPU seconds, memory; and stopping and ending it as a whole."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class Tree:
    """A process and all that it started, also those whose parents have ended.

    Args:
        root: id of the process; it leads a session of its own.
    """

    def __init__(self, root: int) -> None:
        self._root = root
        self._known: set[tuple[int, str]] = set()

    def members(self) -> list[int]:
        """Ids of the processes that are alive."""
        parents, sessions, starts = {}, {}, {}
        for pid, fields in _stats():
            if fields[0] != "Z":
                parents[pid], sessions[pid], starts[pid] = int(fields[1]), int(fields[3]), fields[19]
        known = {pid for pid, start in self._known if starts.get(pid) == start}
        found = {pid for pid in parents if pid == self._root or sessions[pid] == self._root} | known
        growing = True
        while growing:
            more = {pid for pid, parent in parents.items() if parent in found} - found
            found |= more
            growing = bool(more)
        # A process that becomes a daemon later is still one of them.
        self._known |= {(pid, starts[pid]) for pid in found if pid in starts}
        return sorted(pid for pid in found if pid in parents)

    def cpu_s(self) -> float:
        """CPU seconds that they and their children that have ended used."""
        members = set(self.members())
        return sum(sum(map(int, fields[11:15])) for pid, fields in _stats() if pid in members) / _TICKS

    def memory(self) -> tuple[int, int]:
        """Bytes of their own, what they share counted once; and of the files that the one with most of them has mapped.

        Not the whole proportional set size: that of mapped libraries is smaller for those whose libraries some other
        process has mapped as well.
        """
        own, files = 0, 0
        for pid in self.members():
            with contextlib.suppress(OSError, KeyError):  # it may be about to end
                told = _kib(f"/proc/{pid}/smaps_rollup") | _kib(f"/proc/{pid}/status")
                own += told["Pss_Anon"] + told["Pss_Shmem"]
                files = max(files, told["RssFile"])
        return 1024 * own, 1024 * files

    def stop(self) -> None:
        """Keeps them from running."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Lets them run again."""
        self._signal(signal.SIGCONT)

    def end(self, *, patience_s: float = 5) -> None:
        """Ends them: politely first, then those that are left."""
        self.go_on()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._root, signal.SIGTERM)
        deadline = time.monotonic() + patience_s
        while self.members() and time.monotonic() < deadline:
            time.sleep(0.05)
        while self.members():
            self._signal(signal.SIGKILL)
            time.sleep(0.01)

    def _signal(self, number: int) -> None:
        for pid in self.members():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _kib(file: str) -> dict[str, int]:
    """The sizes in a file of /proc."""
    found = re.findall(r"^(\w+):\s+(\d+) kB$", Path(file).read_text(), re.MULTILINE)
    return {name: int(size) for name, size in found}


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Of every process its id and the fields of /proc/PID/stat from the third, the state, on."""
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (directory / "stat").read_text()
            yield int(directory.name), text[text.rindex(")") + 2 :].split()
