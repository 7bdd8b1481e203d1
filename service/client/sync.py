"""The client for plain code."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from service.client import flow, request
from service.client.flow import Flow, Outcome, Patience, Send, Wait, too_late
from service.client.request import MAX_BODY_BYTES, MAX_INSTANCES, Options
from service.client.results import Activation, ModelInfo, Prediction

if TYPE_CHECKING:
    from service.client.values import Value

T = TypeVar("T")


class Client:
    """Asks a running service.

        with Client("http://127.0.0.1:8000") as client:
            prediction = client.predict(image=Path("mug.jpg"), text="a red mug")
            print(prediction.label, prediction.probability)

    One client may be shared by threads.

    Args:
        url: of the service.
        api_key: if it asks for one.
        timeout_s: seconds that a request may take, with all its tries; the service is told, and gives up as well.
        retries: tries after the first one at most. Tried again is what the service refused for now (503, after the time
            that its Retry-After names), and a connection that could not be made; never what it refused for good.
        transport: how requests travel; httpx's own if not given.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_s: float = 30,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._patience = Patience(timeout_s, retries)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else None
        self._http = httpx.Client(base_url=url, headers=headers, transport=transport)

    def predict(
        self,
        example: Mapping[str, Value] | None = None,
        /,
        *,
        model: str | None = None,
        version: int | None = None,
        top_k: int = 5,
        explain: bool = False,
        **inputs: Value,
    ) -> Prediction:
        """The prediction for one example.

        Args:
            example: inputs by name, where one is called as an argument is; together with `inputs`.
            model: which model; needed if several are served.
            version: which version; the one that answers if not given.
            top_k: labels in `top`.
            explain: whether to say why; takes longer.
            **inputs: by the model's names: a picture as a path, its encoded bytes or a PIL image, a text as a string,
                tags as a string or a list of strings. None is absent.

        Raises:
            ValueError: if no input is given.
            TypeError: if an input is of no kind that can be sent.
            ServiceError: if the service refuses.
            httpx.TransportError: if it can't be reached.
        """
        asked = request.for_one({**(example or {}), **inputs}, Options(model, version, top_k, explain))
        return self._run(flow.predict_one(asked, self._patience))

    def predict_many(
        self,
        examples: Iterable[Mapping[str, Value]],
        *,
        model: str | None = None,
        version: int | None = None,
        top_k: int = 5,
        explain: bool = False,
        max_instances: int = MAX_INSTANCES,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> list[Prediction]:
        """The predictions for any number of examples, in their order.

        They are read as they are needed and go in several requests if they must, each with a time limit of its own.

        Args:
            examples: inputs by name, each as for `predict`.
            model, version, top_k, explain: as for `predict`.
            max_instances: examples in a request at most; what the service takes.
            max_body_bytes: size of a request at most; what the service takes.

        Raises:
            ValueError, TypeError: as for `predict`, naming the example.
            ServiceError: if the service refuses one of the requests; what it answered before is lost.
            httpx.TransportError: if it can't be reached.
        """
        options = Options(model, version, top_k, explain)
        asked = request.for_many(examples, options, max_instances=max_instances, max_body_bytes=max_body_bytes)
        return self._run(flow.predict_many(asked, self._patience))

    def models(self) -> list[ModelInfo]:
        """The models that are served."""
        return self._run(flow.models(self._patience))

    def model(self, name: str) -> ModelInfo:
        """One model."""
        return self._run(flow.model(name, self._patience))

    def activate(self, name: str, version: int | None) -> Activation:
        """Has a version of a model answer from now on; where keys are asked for, it needs one with the right `admin`.

        Args:
            name: of the model.
            version: its number; None lets the model follow its newest version again.
        """
        return self._run(flow.activate(name, version, self._patience))

    def is_ready(self) -> bool:
        """Whether the service can answer now."""
        return self._run(flow.is_ready(self._patience.timeout_s))

    def wait_until_ready(self, timeout_s: float = 60) -> None:
        """Returns when the service can answer.

        Raises:
            TimeoutError: if it can't in so many seconds.
        """
        self._run(flow.until_ready(timeout_s))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        self.close()

    def _run(self, steps: Flow[T]) -> T:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                answer: T = end.value
                return answer
            if isinstance(step, Wait):
                time.sleep(step.seconds)
                outcome = None
            else:
                outcome = self._send(step)

    def _send(self, step: Send) -> Outcome:
        try:
            deadline = time.monotonic() + step.timeout_s
            with self._http.stream(**step.arguments()) as response:
                response.stream = _Within(response.stream, deadline, step.timeout_s)
                response.read()
            return response
        except httpx.TransportError as error:
            return error


class _Within(httpx.SyncByteStream):
    """A body that is to be there in time; httpx has a limit for each piece of it alone."""

    def __init__(self, body: Any, deadline: float, timeout_s: float) -> None:
        self._body = body
        self._deadline = deadline
        self._timeout_s = timeout_s

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            if time.monotonic() > self._deadline:
                raise too_late(self._timeout_s)
            yield piece

    def close(self) -> None:
        self._body.close()
