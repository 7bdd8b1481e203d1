"""What tests of all layers share: one tiny trained model."""

from __future__ import annotations

import gc
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

import service  # noqa: F401  (keeps OpenVINO from telling its vendor of models, before a test imports that)
from tests import tiny
from training.progress import Reporter

if TYPE_CHECKING:
    from training.fit import Fitted


# Collecting imports TensorFlow, whose objects are looked through again and again, and hardly any of which is garbage.
# In the processes of pytest-xdist: that which they belong to collects nothing, and so would never enable it.
if "PYTEST_XDIST_WORKER" in os.environ:
    gc.disable()


def pytest_collection_finish() -> None:
    """Has the garbage collector look at what tests make, and no more at what was imported for them."""
    gc.freeze()
    gc.enable()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="Write golden files anew; look at the diff.")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def reporter() -> Reporter:
    """Swallows what it is told."""
    return Reporter(Console(file=io.StringIO()))


@pytest.fixture(scope="session")
def tiny_manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_manifest(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def tiny_fitted(tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """A whole training on the tiny set; its published bundle is `tiny_fitted.published`."""
    # Here, so that tests without a trained model do not wait for TensorFlow.
    from training.fit import fit
    from training.prepare import prepare
    from training.runs import Folders

    home = tmp_path_factory.mktemp("fitted")
    reporter = Reporter(Console(file=io.StringIO()))
    data = prepare(tiny.recipe(tiny_manifest), cache_dir=home / "cache", reporter=reporter)
    return fit(data, Folders(home / "runs", home / "models"), reporter, each_alone=True)
