"""Rows to scored rows, in their order, through the same pipeline as a server's."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice

from model.errors import ImageError
from model.examples import Example
from service.engine import Answered, Engine
from service.engine.job import Job
from service.scoring.manifest import Row
from service.scoring.reader import Reader
from service.scoring.scored import Bad, Scored

# Batches in the pipeline at once: one is run, one decoded and one waits.
BATCHES = 3


def scored(
    rows: Iterable[Row], reader: Reader, engine: Engine, readers: Executor, *, batch_size: int
) -> Iterator[Scored]:
    """Scores rows. At most five batches are in memory, however many rows there are.

    Args:
        rows: to be scored.
        reader: makes examples of them.
        engine: the model.
        readers: the pool that reads pictures, so that a slow disk holds up nothing else.
        batch_size: examples that the model takes at once.
    """
    examples = _ahead(rows, reader, readers, count=2 * batch_size)
    jobs: deque[tuple[Row, Job[Answered] | Bad]] = deque()
    # Each row is a job of its own, so that a bad picture fails alone.
    for row, example in examples:
        jobs.append((row, example if isinstance(example, Bad) else engine.pipeline.submit([example], math.inf)))
        if len(jobs) >= BATCHES * batch_size:
            yield _finished(*jobs.popleft(), reader)
    while jobs:
        yield _finished(*jobs.popleft(), reader)


def _ahead(
    rows: Iterable[Row], reader: Reader, readers: Executor, *, count: int
) -> Iterator[tuple[Row, Example | Bad]]:
    """Each row with its example, so many of them read ahead."""
    remaining = iter(rows)
    reading: deque[tuple[Row, Future[Example | Bad]]] = deque()
    while True:
        for row in islice(remaining, count - len(reading)):
            reading.append((row, readers.submit(reader.read, row)))
        if not reading:
            return
        row, future = reading.popleft()
        yield row, future.result()


def _finished(row: Row, job: Job[Answered] | Bad, reader: Reader) -> Scored:
    if isinstance(job, Bad):
        return Scored(row.number, job)
    try:
        (answer,) = job.result()
    except ImageError as error:
        reason = str(error).removeprefix(f"Input {error.input!r}: ")
        return Scored(row.number, Bad(reason, reader.column_of(error.input)))
    return Scored(row.number, answer)
