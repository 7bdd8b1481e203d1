"""From encoded examples to answers: a bounded queue, decoding one batch ahead, batches that never wait.

waiting (encoded) -> decoding, in a pool -> ready (decoded) -> running, in the model's own threads
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Generic

from model.errors import NotReadyError
from service.engine.admission import Admission, Announcement
from service.engine.item import Answer, Decoded, Encoded, Item
from service.engine.job import Job, Timing
from service.engine.priority import step_back
from service.engine.watcher import NobodyWatches, Watcher

logger = logging.getLogger("bifocal")


class Pipeline(Generic[Encoded, Decoded, Answer]):
    """Runs examples of many callers through one model.

    A batch is whatever is ready when a model thread becomes free, up to the limit; there is no timer, so a lone example
    never waits for company. Decoding is ahead of the model by one batch at most: what waits longer waits encoded, which
    is small, and costs nothing if its caller goes.

    Args:
        decode: an encoded example -> a decoded one; called in `decoders`.
        predict: decoded examples -> as many answers, in the same order; none of them None.
        decoders: the pool that decodes, shared with other pipelines; has to outlive this one.
        max_batch_size: examples that `predict` is given at most.
        max_waiting: examples accepted and not yet answered, at most.
        threads: that call `predict`.
        name: of the threads.
        watcher: told of each batch.
        prepare: what can be done for an encoded example before it is decoded; called by a thread that has nothing to
            run, for an example that is alone.
        rest_s: seconds that a batch took -> seconds in which its thread then leaves the machine to others.
    """

    def __init__(
        self,
        decode: Callable[[Encoded], Decoded],
        predict: Callable[[Sequence[Decoded]], Sequence[Answer]],
        *,
        decoders: Executor,
        max_batch_size: int,
        max_waiting: int,
        threads: int,
        name: str,
        watcher: Watcher | None = None,
        prepare: Callable[[Encoded], None] | None = None,
        rest_s: Callable[[float], float] | None = None,
    ) -> None:
        self._decode = decode
        self._predict = predict
        self._decoders = decoders
        self._max_batch_size = max_batch_size
        self._watcher = watcher or NobodyWatches()
        self._prepare = prepare
        self._rest_s = rest_s
        self._changed = threading.Condition()  # guards all that follows
        self._admission = Admission(max_waiting=max_waiting, max_batch_size=max_batch_size)
        self._last_left = -math.inf
        self._is_closed = False
        self._queued = 0  # live examples in `_waiting`; dead ones stay in it until their turn
        self._ahead = 0  # being decoded, or decoded and ready
        self._running = 0
        self._waiting: deque[Item[Encoded, Decoded, Answer]] = deque()
        self._ready: deque[Item[Encoded, Decoded, Answer]] = deque()
        self._lone: Encoded | None = None  # the only one there is, until a thread prepares it or runs it
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Examples accepted and not yet answered."""
        return self._queued + self._ahead + self._running

    @property
    def last_left(self) -> float:
        """When the last batch was answered, by `time.perf_counter()`; minus infinity before any was."""
        return self._last_left

    def announce(self, count: int, deadline: float) -> Announcement:
        """Admits a request before it is read, or refuses it, so that overload costs next to nothing.

        Args:
            count: examples that it will have at least.
            deadline: by `time.monotonic()`.

        Returns:
            Keeps its place in the estimates until it is ended.

        Raises:
            OverloadedError: if it would have to wait past its deadline, or too many wait already.
        """
        with self._changed:
            self._admission.refuse_if_late(self.waiting, count, deadline)
            self._admission.announce(count)
        return Announcement(self._withdraw, count)

    def submit(self, examples: Sequence[Encoded], deadline: float) -> Job[Answer]:
        """Puts the examples of a request in line.

        Args:
            examples: at least one.
            deadline: by `time.monotonic()`; what has not begun to run then is dropped.

        Raises:
            OverloadedError: as for `announce`.
            NotReadyError: after `close`.
        """
        job: Job[Answer] = Job(len(examples), deadline)
        now = time.perf_counter()
        with self._changed:
            if self._is_closed:
                raise NotReadyError("The model is being put away; ask again in a moment.")
            self._admission.refuse_if_late(self.waiting, len(examples), deadline)
            if not self.waiting:
                self._admission.pace.began(now)
            items = [Item[Encoded, Decoded, Answer](job, n, example, now) for n, example in enumerate(examples)]
            job.queued = len(items)
            self._queued += len(items)
            self._waiting.extend(items)
            job.on_done(partial(self._forget, job, items))
            self._dispatch()
        return job

    def close(self) -> None:
        """Answers what was accepted, then ends the threads. Returns when that is done."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _forget(self, job: Job[Answer], items: list[Item[Encoded, Decoded, Answer]]) -> None:
        """Takes what is left of a job out of the counts, and frees what it holds, before its turn comes."""
        with self._changed:
            self._queued -= job.queued
            job.queued = 0
            for item in items:
                item.encoded = None
            items.clear()  # items know their job, and the job would know its items
            if len(self._waiting) > 2 * self._queued + self._max_batch_size:
                self._waiting = deque(item for item in self._waiting if not item.job.is_over)
            if self._is_closed:
                self._changed.notify_all()

    def _withdraw(self, count: int) -> None:
        with self._changed:
            self._admission.withdraw(count)

    def _dispatch(self) -> None:
        """Sends examples to the decoders, as many as the next batch can take. Under the lock."""
        while self._waiting and self._ahead < self._max_batch_size:
            item = self._waiting.popleft()
            if item.is_awaited():
                item.job.queued -= 1
                self._queued -= 1
                self._ahead += 1
                if self._prepare is not None and self.waiting == 1:
                    self._lone = item.encoded
                    self._changed.notify()
                self._decoders.submit(self._decode_item, item)

    def _decode_item(self, item: Item[Encoded, Decoded, Answer]) -> None:
        begun = time.perf_counter()
        encoded, item.encoded = item.encoded, None  # a large file need not wait for its answer
        is_decoded = False
        if encoded is not None and item.is_awaited():
            try:
                item.decoded = self._decode(encoded)
                is_decoded = True
            except Exception as error:
                item.job.fail(error, item.index)
        item.decode_s = time.perf_counter() - begun
        with self._changed:
            if is_decoded:
                self._ready.append(item)
                self._changed.notify()
            else:
                self._ahead -= 1
                self._lone = None
                self._dispatch()
                self._changed.notify_all()  # a closing pipeline may have become empty

    def _run(self) -> None:
        step_back()
        while True:
            with self._changed:
                while not self._ready and self._lone is None:
                    if self._is_closed and not self.waiting:
                        self._changed.notify_all()
                        return
                    self._changed.wait()
                lone, self._lone = self._lone, None
                batch = self._take()
            if batch:
                self._rest(self._run_batch(batch))
            elif lone is not None:
                self._begin(lone)
            del batch, lone  # or its pictures would stay until the next one comes

    def _begin(self, example: Encoded) -> None:
        """Prepares an example. What is wrong with it, its decoder or the model will say."""
        try:
            if self._prepare is not None:
                self._prepare(example)
        except Exception:
            logger.debug("an example could not be prepared", exc_info=True)

    def _take(self) -> list[Item[Encoded, Decoded, Answer]]:
        """What is ready, up to a batch. Under the lock."""
        batch: list[Item[Encoded, Decoded, Answer]] = []
        while self._ready and len(batch) < self._max_batch_size:
            item = self._ready.popleft()
            self._ahead -= 1
            if item.is_awaited():
                batch.append(item)
        self._running += len(batch)
        self._dispatch()
        return batch

    def _rest(self, spent_s: float) -> None:
        """Leaves the machine to others for a while; not when it is closing, as somebody waits for that."""
        if self._rest_s is not None:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed, self._rest_s(spent_s))

    def _run_batch(self, batch: list[Item[Encoded, Decoded, Answer]]) -> float:
        """Answers a batch; the seconds that it took."""
        begun = time.perf_counter()
        answers, error = self._answer(batch)
        ended = time.perf_counter()
        finished = []
        with self._changed:
            self._running -= len(batch)
            self._last_left = ended
            if error is None:
                self._admission.pace.left(len(batch), ended)
            for item, answer in zip(batch, answers, strict=False):
                timing = Timing(item.decode_s, begun - item.submitted - item.decode_s, ended - begun)
                if item.job.put(item.index, answer, timing):
                    finished.append(item.job)
        # Not under the lock: whoever waits is told at once.
        if error is not None:
            for item in batch:
                item.job.fail(error)
        for job in finished:
            job.settle()
        try:
            self._watcher.batch_ran(len(batch), ended - begun)
        except Exception:  # whoever counts, the thread has to live on
            logger.exception("a batch could not be counted")
        return ended - begun

    def _answer(self, batch: list[Item[Encoded, Decoded, Answer]]) -> tuple[Sequence[Answer], Exception | None]:
        """The answers, or none and the error of this batch; the thread lives on."""
        try:
            answers = self._predict([item.decoded for item in batch])  # type: ignore[misc]  # decoded, or not ready
            if len(answers) != len(batch):
                raise ValueError(f"The model gave {len(answers)} answers for {len(batch)} examples.")
        except Exception as error:
            logger.exception("a batch of %d examples failed", len(batch))
            return (), error
        return answers, None
