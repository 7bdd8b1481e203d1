"""A request from its admission to its answers, for every protocol alike."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial

from starlette.requests import ClientDisconnect, Request

from model.bundle import Metadata
from model.errors import DeadlineError, ImageError, SlowBodyError, TooLargeError
from model.examples import DecodedExample, Example
from model.spec import ModelSpec
from service.engine import MAX_EXPLANATIONS, Answered, Engine
from service.engine.admission import Announcement
from service.engine.job import Job
from service.engine.pipeline import Pipeline
from service.intake.json_body import off_the_loop
from service.observation.exchange import Exchange, exchange_of
from service.settings import Settings
from service.store import Served, Store


@contextmanager
def admitted(
    request: Request, name: str | None, version: int | None, *, timeout_ms: int | None = None, explained: bool = False
) -> Iterator[Admitted]:
    """Admits a request to the model it asks for, or refuses it before it is read.

    The version can't be put away before the context ends.

    Args:
        request: of any protocol.
        name: of the model; None is the only one there is.
        version: None is the one that is served.
        timeout_ms: milliseconds from the end of the request's headers to its answer; the setting's if not given.
        explained: whether answers are to have explanations.

    Raises:
        NotReadyError: before the models are loaded.
        NotFoundError: if there is no such model or version.
        OverloadedError: if it would have to wait past its deadline.
    """
    state = request.app.state
    settings: Settings = state.settings
    store: Store[Engine] = state.store
    exchange = exchange_of(request)
    with store.lease(name, version) as served:
        exchange.model, exchange.version = served.name, served.version
        spent_s = time.perf_counter() - exchange.started
        deadline = time.monotonic() + (timeout_ms or settings.timeout_ms) / 1000 - spent_s
        pipeline = served.engine.explanations if explained else served.engine.pipeline
        announcement = pipeline.announce(1, deadline)
        try:
            yield Admitted(request, served, pipeline, announcement, deadline)
        finally:
            announcement.end()


class Admitted:
    """A request that a model has agreed to answer.

    Args:
        request: what came.
        served: the version that answers.
        pipeline: of that version.
        announcement: its place in the estimates while it is read.
        deadline: of its answer, by `time.monotonic()`.
    """

    def __init__(
        self,
        request: Request,
        served: Served[Engine],
        pipeline: Pipeline[Example, DecodedExample, Answered],
        announcement: Announcement,
        deadline: float,
    ) -> None:
        self.served = served
        self.deadline = deadline
        self._request = request
        self._pipeline = pipeline
        self._announcement = announcement

    @property
    def spec(self) -> ModelSpec:
        """Of the model that answers."""
        return self.served.engine.spec

    @property
    def metadata(self) -> Metadata:
        """Of the model that answers."""
        return self.served.engine.metadata

    @property
    def _settings(self) -> Settings:
        settings: Settings = self._request.app.state.settings
        return settings

    @property
    def exchange(self) -> Exchange:
        """What is noted of the request."""
        return exchange_of(self._request)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Surrounds what reads and checks the body: timed, and over when the deadline passes.

        At the latest after the time that the setting gives to requests which name none: whoever asks for ten minutes
        asks for time to wait, not for time to send.

        Raises:
            SlowBodyError: if the time is over inside.
        """
        with self.exchange.stage("parse"):
            try:
                async with asyncio.timeout(min(self.deadline - time.monotonic(), self._settings.timeout_ms / 1000)):
                    yield
            except TimeoutError:
                raise SlowBodyError(
                    "The body did not arrive before the deadline. Send it faster, or with a larger timeout_ms."
                ) from None

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            SlowBodyError: if it does not arrive before the deadline.
        """
        async with self.reading():
            # Not request.body(), which keeps a copy for as long as the request lives.
            return b"".join([chunk async for chunk in self._request.stream()])

    async def predict(self, examples: Sequence[Example]) -> list[Answered]:
        """The answers, in the order of the examples.

        Raises:
            ImageError: naming the input, and the instance of many, whose picture is unusable.
            OverloadedError: if it would have to wait past the deadline.
            DeadlineError: if the deadline passed.
            ClientDisconnect: if the caller has gone.
        """
        exchange = self.exchange
        exchange.examples = len(examples)
        if self._settings.log_inputs:
            size = sum(len(value) for example in examples for value in example.values())
            exchange.inputs = await off_the_loop(size, partial(_loggable, examples))
        if self._pipeline is self.served.engine.explanations and len(examples) > MAX_EXPLANATIONS:
            raise TooLargeError(f"{len(examples)} instances; at most {MAX_EXPLANATIONS} are explained in one request.")
        self._announcement.end()
        job = self._pipeline.submit(examples, self.deadline)
        try:
            await self._over(job)
            answers = job.result(0)
        except ImageError as error:
            if len(examples) > 1:
                raise type(error)(f"Instance {job.failed}: {error}", input=error.input) from error
            raise
        finally:
            job.cancel()
            timing = job.timing
            exchange.stages |= {"decode": timing.decode_s, "queue": timing.queue_s, "infer": timing.infer_s}
            del job  # it knows its error, and an error this frame
        _note(exchange, self.spec, answers)
        return answers

    async def _over(self, job: Job[Answered]) -> None:
        """Waits until the job is over, the caller has gone, or the deadline has passed."""
        loop = asyncio.get_running_loop()
        woken = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        gone = loop.create_task(_disconnected(self._request))
        gone.add_done_callback(lambda _: wake())
        job.on_done(partial(loop.call_soon_threadsafe, wake))
        alarm = loop.call_later(self.deadline - time.monotonic(), wake)
        try:
            await woken
            if job.is_over:
                return
            if gone.done():
                raise ClientDisconnect
            raise DeadlineError(
                "The deadline passed before the answer was there. Ask again, or with a larger timeout_ms."
            )
        finally:
            alarm.cancel()
            gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # what is left of a body that was not read to its end


def _loggable(examples: Sequence[Example]) -> list[dict[str, object]]:
    """Texts as they are, of pictures enough to find them again."""

    def told(value: bytes | str) -> object:
        return value if isinstance(value, str) else {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}

    return [{name: told(value) for name, value in example.items()} for example in examples]


def _note(exchange: Exchange, spec: ModelSpec, answers: Sequence[Answered]) -> None:
    for answer in answers:
        for name in answer.absent:
            exchange.absent[name] = exchange.absent.get(name, 0) + 1
        for head, values in answer.probabilities.items():
            first = int(values.argmax())
            label = head, spec.heads[head].labels[first]
            exchange.predicted[label] = exchange.predicted.get(label, 0) + 1
            exchange.confidences.setdefault(head, []).append(float(values[first]))
