"""Many files decoded at once: in processes of their own if there are many or one may be deadly, else by threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.cache.crew import Crew, NoCrewError, Task
from training.cache.index import Known, membership
from training.cache.picture import Decoding, Picture, named, read

FEW = 512  # pictures; before processes have started, the threads are through with them
AT_A_TIME = 64


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes_for(files: int, *, after_a_break: bool) -> int:
    """How many processes should decode some files; 0 is threads of this one.

    Args:
        files: that are to be decoded.
        after_a_break: whether the run before was ended while it decoded, which one of them may have done.
    """
    return min(cores(), files) if files >= FEW or after_a_break else 0


def pictures(
    paths: Sequence[Path | None],
    which: NDArray[np.intp],
    decoding: Decoding,
    *,
    known: Known,
    suspects: set[bytes],
    processes: int,
    say: Callable[[str], None],
) -> Iterator[tuple[int, Picture]]:
    """What is found in the files of some rows, in the order in which they are done.

    Args:
        paths: one a row.
        which: intp (files,), the rows.
        decoding: how.
        known: digests that need no decoding.
        suspects: those that are not to be decoded in this process.
        processes: that decode; 0 is threads of this one.
        say: told if they can't be started.

    Yields:
        Index into `which`, and what is in its file.
    """

    def tasks(numbers: Iterable[int]) -> Iterator[Task]:
        return ((number, str(paths[int(which[number])])) for number in numbers)

    done = np.zeros(len(which), bool)
    if processes:
        try:
            for number, picture in Crew(processes, decoding, known.digests.tobytes()).pictures(
                tasks(range(len(which)))
            ):
                done[number] = True
                yield number, picture
        except NoCrewError as error:
            if not done.all():
                say(
                    f"No process for decoding can be started ({error}). The pictures are decoded in this one; one that "
                    "crashes or hangs its decoder does so to the run."
                )

    is_known = membership(known.digests)
    left = _here(tasks(np.flatnonzero(~done).tolist()), decoding, lambda one: one in suspects or is_known(one))
    held_back = []
    for number, picture in left:
        if picture.digest in suspects:
            held_back.append(number)
        else:
            yield number, picture
    if held_back:
        yield from _in_one_process(list(tasks(held_back)), decoding)


def _here(
    tasks: Iterator[Task], decoding: Decoding, is_known: Callable[[bytes], bool]
) -> Iterator[tuple[int, Picture]]:
    """By threads: Pillow lets go of the interpreter lock while it decodes and resamples."""
    with ThreadPoolExecutor(cores()) as pool:
        while some := list(islice(tasks, AT_A_TIME)):
            found = pool.map(lambda task: read(task[1], decoding, is_known), some)
            yield from ((number, picture) for (number, _), picture in zip(some, found, strict=True))


def _in_one_process(tasks: list[Task], decoding: Decoding) -> Iterator[tuple[int, Picture]]:
    """What has ended a process before."""
    left = dict(tasks)
    try:
        for number, picture in Crew(1, decoding, b"").pictures(tasks):
            del left[number]
            yield number, picture
    except NoCrewError as error:
        reason = f"decoding it ended a process before, and none can be started now to try again: {error}"
        for number, path in left.items():
            yield number, Picture(None, reason=named(path, reason), lasting=False)
