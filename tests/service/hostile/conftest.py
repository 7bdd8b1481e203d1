"""A service that is sent what is to do harm, and answers a good request after each test."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from tests.service.hostile.refusals import MEGABYTE
from tests.service.running import wait_until
from tests.service.stand_in import Namer, picture, write_bundle
from tests.service.wire import listening


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A service with the limits it has by default, but for a low one on all bodies together."""
    models = tmp_path_factory.mktemp("hostile")
    write_bundle(models)
    settings = Settings(
        models=models,
        max_body_bytes=8 * MEGABYTE,
        max_pending_bytes=32 * MEGABYTE,
        header_timeout_s=2,
        body_stall_s=1,
    )
    with listening(create_app(settings, Namer), settings) as address:
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{address[1]}/readyz").status_code == 200)
        yield address


@pytest.fixture(scope="package")
def client(address: tuple[str, int]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=20) as client:
        yield client


@pytest.fixture(autouse=True)
def still_answering(client: httpx.Client) -> Iterator[None]:
    """After each test a good request is answered as ever."""
    yield
    response = client.post("/predict", files={"image": ("a.png", picture("red"))}, data={"text": "red"})
    assert response.json()["predictions"][0]["heads"]["colour"]["label"] == "red"
