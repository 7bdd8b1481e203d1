"""The client for code that runs in an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

from service.client import flow, request
from service.client.flow import Flow, Outcome, Patience, Send, Wait, too_late
from service.client.request import MAX_BODY_BYTES, MAX_INSTANCES, Options
from service.client.results import Activation, ModelInfo, Prediction

if TYPE_CHECKING:
    from service.client.values import Value

T = TypeVar("T")


class AsyncClient:
    """Asks a running service, with the arguments, answers and errors of `Client`.

        async with AsyncClient("http://127.0.0.1:8000") as client:
            prediction = await client.predict(image=Path("mug.jpg"), text="a red mug")

    Pictures are read in the event loop; give bytes where that would hold it up.

    Args:
        url, api_key, timeout_s, retries, transport: as for `Client`.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_s: float = 30,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._patience = Patience(timeout_s, retries)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else None
        self._http = httpx.AsyncClient(base_url=url, headers=headers, transport=transport)

    async def predict(
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
        """The prediction for one example; see `Client.predict`."""
        asked = request.for_one({**(example or {}), **inputs}, Options(model, version, top_k, explain))
        return await self._run(flow.predict_one(asked, self._patience))

    async def predict_many(
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
        """The predictions for any number of examples, in their order; see `Client.predict_many`."""
        options = Options(model, version, top_k, explain)
        asked = request.for_many(examples, options, max_instances=max_instances, max_body_bytes=max_body_bytes)
        return await self._run(flow.predict_many(asked, self._patience))

    async def models(self) -> list[ModelInfo]:
        """The models that are served."""
        return await self._run(flow.models(self._patience))

    async def model(self, name: str) -> ModelInfo:
        """One model."""
        return await self._run(flow.model(name, self._patience))

    async def activate(self, name: str, version: int | None) -> Activation:
        """Has a version of a model answer from now on; see `Client.activate`."""
        return await self._run(flow.activate(name, version, self._patience))

    async def is_ready(self) -> bool:
        """Whether the service can answer now."""
        return await self._run(flow.is_ready(self._patience.timeout_s))

    async def wait_until_ready(self, timeout_s: float = 60) -> None:
        """Returns when the service can answer; see `Client.wait_until_ready`."""
        await self._run(flow.until_ready(timeout_s))

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections."""
        await self.aclose()

    async def _run(self, steps: Flow[T]) -> T:
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                answer: T = end.value
                return answer
            if isinstance(step, Wait):
                await asyncio.sleep(step.seconds)
                outcome = None
            else:
                outcome = await self._send(step)

    async def _send(self, step: Send) -> Outcome:
        try:
            async with asyncio.timeout(step.timeout_s):  # httpx has one for each piece alone
                return await self._http.request(**step.arguments())
        except TimeoutError:
            return too_late(step.timeout_s)
        except httpx.TransportError as error:
            return error
