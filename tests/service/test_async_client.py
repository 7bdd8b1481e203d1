"""The client for event loops: the same flow as the other, carried out without blocking. And what is tried again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from model.errors import ServiceError
from service.client import AsyncClient, Client
from service.client.flow import Patience
from tests.service.scripted import Scripted, echoed, predictions, unavailable

NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_async_client_answers_what_the_other_answers(stand_in_service: httpx.Client) -> None:
    url = str(stand_in_service.base_url)

    async def ask() -> tuple[object, ...]:
        async with AsyncClient(url) as client:
            await client.wait_until_ready()
            one, many = await asyncio.gather(
                client.predict(text="a red mug", tags=["red"]),
                client.predict_many([{"text": "blue"}] * 3, max_instances=2),
            )
            return one.heads, [two.label for two in many], await client.models(), await client.is_ready()

    with Client(url) as client:
        expected = client.predict(text="a red mug", tags=["red"]).heads, ["blue"] * 3, client.models(), True
    assert asyncio.run(ask()) == expected


def test_the_async_client_tries_again_and_names_the_model_it_activates() -> None:
    model = {"name": "a", "versions": [], "labels": {}, "inputs": {}, "metrics": {}}
    done = {"model": "a", "version": 2, "previous": None, "saved": True}
    service = Scripted(
        unavailable(**{"Retry-After": "0"}), httpx.Response(200, json=done), httpx.Response(200, json=model)
    )

    async def ask() -> str:
        async with AsyncClient(transport=service.transport, api_key="k") as client:
            return (await client.activate("a", 2)).model + (await client.model("a")).name

    assert asyncio.run(ask()) == "aa"
    assert [request.headers["authorization"] for request in service.seen] == ["Bearer k"] * 3


def test_an_answer_that_comes_in_drips_is_given_up_in_time() -> None:
    async def drips() -> AsyncIterator[bytes]:
        for _ in range(60):
            await asyncio.sleep(0.05)
            yield b" "

    async def ask() -> None:
        service = Scripted(lambda _: httpx.Response(200, content=drips()))
        async with AsyncClient(transport=service.transport, timeout_s=0.2) as client:
            await client.predict(text="red")

    started = time.monotonic()
    with pytest.raises(httpx.ReadTimeout, match=r"The answer was not there after 0\.2 s"):
        asyncio.run(ask())
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "first",
    [
        unavailable(**{"Retry-After": "0"}),
        unavailable(**{"Retry-After": "Thu, 02 Jan 2020 03:04:05 GMT"}),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
    ],
    ids=["seconds", "date", "refused", "timeout"],
)
def test_what_was_refused_for_now_is_tried_again(first: httpx.Response | Exception) -> None:
    service = Scripted(first, predictions(["green"]))

    with Client(transport=service.transport) as client:
        assert client.predict(text="green").label == "green"
    assert len(service.seen) == 2


@pytest.mark.parametrize(
    "answer",
    [
        *(
            httpx.Response(status, json={"detail": "no"})
            for status in (400, 401, 404, 408, 413, 422, 429, 500, 502, 504)
        ),
        httpx.ReadError("cut off"),
        httpx.ReadTimeout("too slow"),
        httpx.RemoteProtocolError("gone"),
    ],
)
def test_what_was_refused_for_good_or_may_have_arrived_is_not_tried_again(answer: httpx.Response | Exception) -> None:
    service = Scripted(answer)

    with Client(transport=service.transport) as client, pytest.raises((ServiceError, httpx.TransportError)):
        client.predict(text="green")
    assert len(service.seen) == 1


def test_it_is_tried_three_times_more_at_most() -> None:
    service = Scripted(unavailable(**{"Retry-After": "0"}))

    with Client(transport=service.transport) as client, pytest.raises(ServiceError, match=r"^503 .*: busy") as caught:
        client.predict(text="green")
    assert caught.value.problem["type"] == "urn:bifocal:problem:overloaded"
    assert len(service.seen) == 4


def test_a_wait_that_would_end_after_the_time_limit_is_not_begun() -> None:
    service = Scripted(unavailable(**{"Retry-After": "30"}))

    with Client(transport=service.transport, timeout_s=5) as client, pytest.raises(ServiceError, match="503"):
        client.predict(text="green")
    assert len(service.seen) == 1


def test_a_later_try_has_only_the_time_that_is_left() -> None:
    service = Scripted(unavailable(), predictions())  # no Retry-After: after 0.1 s at least

    with Client(transport=service.transport, timeout_s=2) as client:
        client.predict(text="red")
    first, second = (int(request.url.params["timeout_ms"]) for request in service.seen)
    assert 1700 < first < 2000
    assert second <= first - 80


@pytest.mark.parametrize(
    ("named", "delay_s"),
    [
        ("7", 7.0),
        (format_datetime(NOW + timedelta(seconds=9), usegmt=True), 9.0),
        (format_datetime(NOW - timedelta(seconds=9), usegmt=True), 0.0),
        ("Thu, 02 Jan 2025 03:04:08 -0000", 3.0),
    ],
)
def test_the_time_that_the_service_names_is_waited_for_and_up_to_a_quarter_more(named: str, delay_s: float) -> None:
    for chance, factor in ((0.0, 1.0), (1.0, 1.25)):
        patience = Patience(30, 3, now=lambda: NOW, chance=lambda chance=chance: chance)  # type: ignore[misc]

        assert patience.delay_s(unavailable(**{"Retry-After": named}), 0) == pytest.approx(delay_s * factor)


@pytest.mark.parametrize("outcome", [unavailable(), unavailable(**{"Retry-After": "soon"}), httpx.ConnectError("no")])
def test_without_a_named_time_each_wait_is_twice_as_long_up_to_a_limit(
    outcome: httpx.Response | httpx.ConnectError,
) -> None:
    longest, shortest = Patience(30, 9, chance=lambda: 1.0), Patience(30, 9, chance=lambda: 0.0)

    assert [longest.delay_s(outcome, tries) for tries in range(7)] == pytest.approx([0.2, 0.4, 0.8, 1.6, 3.2, 5, 5])
    assert shortest.delay_s(outcome, 2) == pytest.approx(0.4)


def test_each_request_of_many_is_tried_again_on_its_own() -> None:
    service = Scripted(echoed, unavailable(**{"Retry-After": "0"}), echoed)

    with Client(transport=service.transport) as client:
        found = client.predict_many([{"text": text} for text in "abc"], max_instances=2)
    assert [one.label for one in found] == ["a", "b", "c"]
    assert len(service.seen) == 3
