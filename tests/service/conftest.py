"""Two services that all tests of this layer share: one of a real tiny model, one of a model without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from model.bundle import Bundle
from tests.service.running import serving
from tests.service.stand_in import write_bundle
from training.fit import Fitted


@pytest.fixture(scope="session")
def tiny_service(tiny_fitted: Fitted) -> Iterator[httpx.Client]:
    """A client of a service of the tiny trained model."""
    from service.runtime import Runtime

    with serving(tiny_fitted.published.parents[1], Runtime, max_batch_size=8) as client:
        yield client


@pytest.fixture(scope="session")
def stand_in_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service of the model `colours`."""
    models = tmp_path_factory.mktemp("models")
    write_bundle(models)
    with serving(models) as client:
        yield client


@pytest.fixture
def bundle(models: Path) -> Bundle:
    """Of the model `colours`, in `models`."""
    return Bundle(write_bundle(models))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """An empty folder for bundles."""
    directory = tmp_path / "models"
    directory.mkdir()
    return directory
