"""Processes that decode. What a picture does to its decoder ends that process, not the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from training.cache.picture import Decoding, Picture, contents, digest_of, trouble

TOLD_AT_ONCE = 8  # files; told when so many are left, so that a process never waits for the next
LISTENING_S = 1.0
STARTING_S = 60.0
READY = "ready"  # what a process says first

# Nothing that a picture does: memory ran out, or someone ended the process.
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)

Task = tuple[int, str]  # a number of the caller's, and a path


class NoCrewError(Exception):
    """No process can be started here."""


class Crew:
    """Some processes, each decoding one file after the other.

    When one dies, the files that it has not answered are tried again one by one: a file is blamed only if a process
    died on it alone. Where no other can be started, those that are left go on; when none is left, the files that may
    have ended the last ones are answered as not decoded now, and only files that no process has touched stay undone.

    They are programs of their own, not forks: what runs here has threads, and TensorFlow in it. They import neither
    that nor the main module.

    Args:
        processes: how many.
        decoding: how.
        known: digests that need no decoding, sorted, one after the other.
    """

    patience_s = 60.0  # with one file, its reading included; a process that takes longer is ended

    def __init__(self, processes: int, decoding: Decoding, known: bytes) -> None:
        self._processes = processes
        self._first_message = (decoding, known)

    def pictures(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Picture]]:
        """For each task what is found in the file, in the order in which they are done.

        Raises:
            NoCrewError: if no process can be started, or none any more.
        """
        coming, back = iter(tasks), deque[Task]()
        workers: list[_Worker] = []
        try:
            workers.extend(_Worker(self._first_message) for _ in range(self._processes))
            for worker in workers:
                worker.expect_ready()
            while True:
                for worker in workers:
                    worker.take(back, coming)
                busy = [worker for worker in workers if worker.tasks]
                if not busy:
                    return
                yield from self._listen(busy)
                yield from self._replace_ended(workers, back)
        finally:
            for worker in workers:
                worker.close()

    def _replace_ended(self, workers: list[_Worker], back: deque[Task]) -> Iterator[tuple[int, Picture]]:
        """Starts another worker for each that has ended; if none is left, says so of the files that came back."""
        for worker in [worker for worker in workers if worker.has_ended]:
            back.extend(worker.tasks)
            worker.close()
            workers.remove(worker)
            try:
                workers.append(self._another())
            except NoCrewError as error:
                if not workers:
                    yield from (_not_tried_again(task, error) for task in back)
                    raise

    def _another(self) -> _Worker:
        worker = _Worker(self._first_message)
        try:
            worker.expect_ready()
        except NoCrewError:
            worker.close()
            raise
        return worker

    def _listen(self, workers: list[_Worker]) -> Iterator[tuple[int, Picture]]:
        """What the workers say within a moment, and what is to be said of those that say nothing any more."""
        started = time.monotonic()
        speaking = wait([worker.connection for worker in workers], LISTENING_S)
        # Time in which this process itself was stopped does not count.
        waited_s = min(time.monotonic() - started, LISTENING_S)
        for worker in workers:
            worker.quiet_s += waited_s
            if worker.connection in speaking:
                found = worker.answers()
                yield from found
                has_died = not found
            else:
                has_died = worker.quiet_s > self.patience_s
            if has_died:
                yield from worker.end(self.patience_s)


class _Worker:
    """One process, the files it was told and has not answered, and for how long it has said nothing."""

    def __init__(self, first_message: tuple[Decoding, bytes]) -> None:
        self.tasks: deque[Task] = deque()
        self.quiet_s = 0.0
        self.has_ended = False
        self.connection: Connection[object, object]
        self.connection, theirs = Pipe()
        # -P: a model.py in the folder where the user stands is not ours.
        command = [sys.executable, "-P", "-m", "training.cache.worker", str(theirs.fileno())]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(folder or os.getcwd() for folder in sys.path)}  # noqa: PTH109
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            self.connection.close()
            raise NoCrewError(str(error)) from error
        finally:
            theirs.close()
        with suppress(OSError):  # it has died already; that shows when it is not ready
            self.connection.send(first_message)

    def expect_ready(self) -> None:
        """Waits until it has started."""
        if not self.connection.poll(STARTING_S) or self._received() != READY:
            raise NoCrewError(f"{sys.executable} -m training.cache.worker does not start")

    def take(self, back: deque[Task], coming: Iterator[Task]) -> None:
        """Takes on tasks if it has few left; one that came back, alone."""
        if back:
            tasks = [] if self.tasks else [back.popleft()]
        else:
            tasks = [] if len(self.tasks) > TOLD_AT_ONCE else list(islice(coming, TOLD_AT_ONCE))
        if tasks:
            self.quiet_s = 0.0 if not self.tasks else self.quiet_s
            self.tasks.extend(tasks)
            with suppress(OSError):  # it has died; that shows when it is listened to
                self.connection.send([path for _, path in tasks])

    def answers(self) -> list[tuple[int, Picture]]:
        """What it found in the first of its files; nothing if it has died."""
        self.quiet_s = 0.0
        found = self._received()
        return [(self.tasks.popleft()[0], picture) for picture in found] if isinstance(found, list) else []

    def end(self, patience_s: float) -> list[tuple[int, Picture]]:
        """Ends it, and says what is to be said of the file that it was at, if there is one alone."""
        is_late = self._process.poll() is None and self.quiet_s > patience_s
        self.has_ended = True
        self._process.kill()
        code = self._process.wait()
        if len(self.tasks) > 1:
            return []
        reason, lasting = f"decoding it was broken off after {patience_s:g} s", False
        if not is_late:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            reason, lasting = f"decoding it ended the decoder's process ({how})", -code not in _FROM_OUTSIDE
        return [_undecoded(self.tasks.popleft(), reason, lasting=lasting)]

    def close(self) -> None:
        """Ends it, whatever it is at."""
        self.connection.close()
        if not self.has_ended:
            self._process.kill()
            self._process.wait()

    def _received(self) -> object:
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return None


def _not_tried_again(task: Task, error: NoCrewError) -> tuple[int, Picture]:
    reason = f"decoding it or a file beside it ended the decoder's process, and there is no other to try again: {error}"
    return _undecoded(task, reason, lasting=False)


def _undecoded(task: Task, reason: str, *, lasting: bool) -> tuple[int, Picture]:
    """What is said of a file that can be read and was not decoded."""
    number, path = task
    try:
        data, stamp = contents(path)
    except OSError as error:
        return number, Picture(None, reason=f"{trouble(path, error)}; {reason}", lasting=False)
    return number, Picture(digest_of(data), stamp, reason=reason, lasting=lasting)
