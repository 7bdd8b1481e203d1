"""From requests to answers: what is sent, what is tried again and when, how an answer is read.

A flow is a generator that asks to have a request sent or to wait, and is told what became of it; it does neither
itself, so that one flow serves the sync and the async client.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from model.errors import ServiceError
from service.client import request as requests
from service.client.request import Request
from service.client.results import Activation, ModelInfo, Prediction

T = TypeVar("T")

FIRST_DELAY_S, MAX_DELAY_S = 0.2, 5.0
POLL_S = 0.25

# Errors of a connection that was not made: nothing was sent.
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Send:
    """To be sent, and answered in so many seconds."""

    request: Request
    timeout_s: float

    def arguments(self) -> dict[str, Any]:
        """What the `request` of an httpx client takes."""
        return {
            "method": self.request.method,
            "url": self.request.path,
            "params": self.request.query_within(self.timeout_s),
            "headers": self.request.headers,
            "content": self.request.body,
            "files": self.request.parts,
            "timeout": self.timeout_s,
        }


@dataclass(frozen=True)
class Wait:
    """To let so many seconds pass."""

    seconds: float


Outcome = httpx.Response | httpx.TransportError | None
Flow = Generator[Send | Wait, Outcome, T]


@dataclass(frozen=True)
class Patience:
    """How long to try.

    Args:
        timeout_s: seconds that one request may take with all its tries.
        retries: tries after the first one at most.
        clock: gives seconds.
        now: gives the time of day, for a Retry-After that is a date.
        chance: gives a number from 0 to 1, so that clients don't come back all at once.
    """

    timeout_s: float
    retries: int
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: Callable[[], float] = random.random

    def delay_s(self, outcome: Outcome, tries: int) -> float | None:
        """Seconds after which it is worth trying again; None if it is not.

        Worth it are a 503, after the Retry-After that it names, and a connection that could not be made. All else was
        an answer, or may have reached the service.
        """
        if isinstance(outcome, httpx.Response) and outcome.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            named = self._retry_after_s(outcome)
            if named is not None:
                return named * (1 + self.chance() / 4)
        elif not isinstance(outcome, _NOTHING_SENT):
            return None
        return float(min(MAX_DELAY_S, FIRST_DELAY_S * 2**tries)) * (0.5 + self.chance() / 2)

    def _retry_after_s(self, response: httpx.Response) -> float | None:
        named = response.headers.get("Retry-After", "").strip()
        if named.isdecimal():
            return float(named)
        try:
            date = parsedate_to_datetime(named)
        except ValueError:
            return None
        return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - self.now()).total_seconds())


def answered(request: Request, patience: Patience, read: Callable[[Any], T]) -> Flow[T]:
    """Sends a request until it is answered.

    Args:
        request: to be sent.
        patience: how long to try.
        read: the JSON of an answer -> what it says.

    Raises:
        ServiceError: if the service refuses, at last.
        httpx.TransportError: if it can't be reached, at last.
    """
    deadline = patience.clock() + patience.timeout_s
    tries = 0
    while True:
        outcome = yield Send(request, max(0.001, deadline - patience.clock()))
        delay = patience.delay_s(outcome, tries)
        if delay is None or tries == patience.retries or patience.clock() + delay >= deadline:
            break
        yield Wait(delay)
        tries += 1
    if isinstance(outcome, httpx.Response):
        return _read(outcome, read, request.examples)
    assert outcome is not None, "a request that was sent has an outcome"  # noqa: S101
    raise outcome


def predict_one(request: Request, patience: Patience) -> Flow[Prediction]:
    """The prediction for the only example of a request."""
    (prediction,) = yield from answered(request, patience, Prediction.all_of)
    return prediction


def predict_many(made: Iterator[tuple[int, Request]], patience: Patience) -> Flow[list[Prediction]]:
    """The predictions for the examples of several requests, one after the other."""
    predictions: list[Prediction] = []
    for first, request in made:
        try:
            predictions += yield from answered(request, patience, Prediction.all_of)
        except ServiceError as error:
            if first:
                error.add_note(f"Instances are counted from 0 within a request; this one began with example {first}.")
            raise
    return predictions


def models(patience: Patience) -> Flow[list[ModelInfo]]:
    """What is served."""
    return (yield from answered(requests.of_models(), patience, ModelInfo.all_of))


def model(name: str, patience: Patience) -> Flow[ModelInfo]:
    """One model."""
    return (yield from answered(requests.of_model(name), patience, ModelInfo.of))


def activate(name: str, version: int | None, patience: Patience) -> Flow[Activation]:
    """Has a version answer. Twice does what once does, so it may be tried again."""
    return (yield from answered(requests.to_activate(name, version), patience, Activation.of))


def is_ready(timeout_s: float) -> Flow[bool]:
    """Whether the service says that it is ready; not if it can't be reached."""
    outcome = yield Send(requests.of_readiness(), timeout_s)
    return isinstance(outcome, httpx.Response) and outcome.status_code == httpx.codes.OK


def until_ready(timeout_s: float, clock: Callable[[], float] = time.monotonic) -> Flow[None]:
    """Asks until the service is ready.

    Raises:
        TimeoutError: if it is not in time.
    """
    deadline = clock() + timeout_s
    while not (yield from is_ready(max(0.001, deadline - clock()))):
        if clock() + POLL_S >= deadline:
            raise TimeoutError(f"The service is not ready after {timeout_s:g} s.")
        yield Wait(POLL_S)


def too_late(timeout_s: float) -> httpx.ReadTimeout:
    """What becomes of a request whose answer is not whole in time, though each piece of it came soon enough."""
    return httpx.ReadTimeout(f"The answer was not there after {timeout_s:.3g} s.")


def _read(response: httpx.Response, read: Callable[[Any], T], examples: int | None) -> T:
    if not response.is_success:
        raise ServiceError(response.status_code, _problem(response))
    try:
        answer = response.json()
        # Else the answers of a later request would be taken for those of this one.
        if examples is not None and (count := len(answer["predictions"])) != examples:
            asked = f"{examples} example{'s' if examples > 1 else ''}"
            raise ServiceError(response.status_code, _no_answer(f"it has {count} predictions for {asked}"))
        return read(answer)
    except (ValueError, KeyError, TypeError):
        raise ServiceError(response.status_code, _no_answer(response.text[:200])) from None


def _no_answer(detail: str) -> dict[str, Any]:
    return {"title": "No answer of this service", "detail": detail}


def _problem(response: httpx.Response) -> dict[str, Any]:
    """The problem document of a refusal, or what stands in for one in an answer from elsewhere, as from a proxy."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"title": response.reason_phrase, "detail": response.text}
