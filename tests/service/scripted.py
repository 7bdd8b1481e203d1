"""What a service answers, for clients of a service that is not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx


class Scripted:
    """A service that answers one thing after the other, and keeps what it was asked.

    Args:
        *answers: responses and errors of the connection; the last one again and again. A function makes a response of
            the request.
    """

    def __init__(self, *answers: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]) -> None:
        self._answers = list(answers)
        self.seen: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)


def prediction(label: str = "red", **fields: Any) -> dict[str, Any]:
    """One prediction with one head, `colour`, that is sure of a label."""
    head = {"label": label, "labels": [label], "probability": 1.0, "top": [], "probabilities": {label: 1.0}}
    return {"heads": {"colour": head}, "absent": []} | fields


def predictions(labels: Sequence[str] = ("red",)) -> httpx.Response:
    """The answer to a request for as many examples."""
    body = {"model": {"name": "colours", "version": 1}, "request_id": "1", "predictions": [*map(prediction, labels)]}
    return httpx.Response(200, json=body)


def echoed(request: httpx.Request) -> httpx.Response:
    """The label of each example is its text."""
    return predictions([one["text"] for one in json.loads(request.content)["instances"]])


def unavailable(**headers: str) -> httpx.Response:
    """The refusal of a service that is not ready or has too much to do."""
    problem = {
        "type": "urn:bifocal:problem:overloaded",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "busy",
    }
    return httpx.Response(503, json=problem, headers=headers)
