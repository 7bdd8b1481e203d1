"""Batching that never waits: whenever the model is free it takes what is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from model.errors import NotReadyError

Example = TypeVar("Example")
Answer = TypeVar("Answer")


class Batcher(Generic[Example, Answer]):
    """Runs examples from many callers through one function, in batches, on one thread of its own.

    A batch is whatever waits when the thread becomes free, up to the limit; there is no timer, so a lone example never
    waits for company. One thread, because calling TensorFlow from many makes its memory grow.

    Args:
        predict: examples -> as many answers, in the same order.
        max_batch_size: examples that `predict` is given at most.
        name: of the thread.
    """

    def __init__(
        self, predict: Callable[[Sequence[Example]], Sequence[Answer]], *, max_batch_size: int, name: str
    ) -> None:
        self._predict = predict
        self._max_batch_size = max_batch_size
        self._waiting: SimpleQueue[tuple[Example, Future[Answer]] | None] = SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, example: Example) -> Future[Answer]:
        """Puts an example in line; the future gives its answer, or what `predict` raised for its batch.

        Raises:
            NotReadyError: after `close`.
        """
        if self._is_closed:
            raise NotReadyError("The model is being put away; ask again in a moment.")
        future: Future[Answer] = Future()
        self._waiting.put((example, future))
        return future

    def close(self) -> None:
        """Answers what was submitted before, then ends the thread."""
        self._is_closed = True
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            batch = [first]
            is_last = False
            while len(batch) < self._max_batch_size:
                try:
                    item = self._waiting.get_nowait()
                except Empty:
                    break
                if item is None:
                    is_last = True
                    break
                batch.append(item)
            self._answer(batch)
            if is_last:
                return

    def _answer(self, batch: list[tuple[Example, Future[Answer]]]) -> None:
        # A caller that has gone cancelled its future: such an example is not run.
        live = [(example, future) for example, future in batch if future.set_running_or_notify_cancel()]
        if not live:
            return
        try:
            # A wrong number of answers is an error of this batch too: the thread has to live on.
            answered = list(zip(live, self._predict([example for example, _ in live]), strict=True))
        except Exception as error:
            for _, future in live:
                future.set_exception(error)
            return
        for (_, future), answer in answered:
            future.set_result(answer)
