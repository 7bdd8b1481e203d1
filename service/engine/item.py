"""One example on its way through a pipeline."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Generic, TypeVar

from model.errors import DeadlineError
from service.engine.job import Job

Encoded = TypeVar("Encoded")
Decoded = TypeVar("Decoded")
Answer = TypeVar("Answer")


@dataclass(slots=True)
class Item(Generic[Encoded, Decoded, Answer]):
    """An example of a job, and what has become of it so far.

    Args:
        job: that it is part of.
        index: of it among the job's examples.
        encoded: as it came; None once it is being decoded, or its job is over.
        submitted: when it came, by `time.perf_counter()`.
        decoded: what the model takes; None before it is decoded.
        decode_s: seconds that this took.
    """

    job: Job[Answer]
    index: int
    encoded: Encoded | None
    submitted: float
    decoded: Decoded | None = None
    decode_s: float = 0.0

    def is_awaited(self) -> bool:
        """Whether anybody still waits for it. Ends its job if its time is over."""
        if self.job.is_over:
            return False
        if self.job.deadline <= time.monotonic():
            self.job.fail(DeadlineError("The deadline passed while the request was waiting. Ask again later."))
            return False
        return True
