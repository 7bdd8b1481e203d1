"""One service of a tiny trained model, in a process of its own, and a browser; shared by all tests of the page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.server import serving
from tests.page.pictures import data_url, picture
from tests.page.visit import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from training.fit import Fitted

# Of a browser of the system, so that nothing is downloaded; without a sandbox, which root can't have.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
]
SENTENCE = "Merging helps: 0.9 with all inputs, 0.5 at best with one alone."
EXAMPLES = [{"image": data_url(picture("green")), "text": "grass"}, {"text": "a sea", "tags": ["blueish", "thing"]}]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; without it, or what drives it, all these tests are skipped."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
def page_models(chromium: str, tiny_fitted: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2 of the tiny model with examples and a comparison; version 3 is damaged."""
    models = tmp_path_factory.mktemp("page") / "models"
    for version in (1, 2, 3):
        bundle = models / "tiny" / str(version)
        shutil.copytree(tiny_fitted.published, bundle)
        extra = bundle / "assets.extra"
        (extra / "examples.json").write_text(json.dumps({"examples": EXAMPLES}))
        metadata = json.loads((extra / "bifocal.json").read_text())
        (extra / "bifocal.json").write_text(json.dumps(metadata | {"comparison": {"sentence": SENTENCE}}))
    (models / "tiny" / "3" / "saved_model.pb").write_bytes(b"damaged")
    return models


@pytest.fixture(scope="session")
def service_url(page_models: Path) -> Iterator[str]:
    """Address of the service."""
    with serving(page_models, page_models.parent / "log", max_batch_size=4) as url:
        yield url


# Not for the whole session: while it is there, no other test of the process can run an event loop of its own.
@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium of the system."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        launched = started.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Browser, service_url: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """The page, open; at the end it has logged no error and asked nobody but the service.

    Parametrized indirectly, the parameter is options of the browser's context.
    """
    options: dict[str, Any] = getattr(request, "param", {})
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
    visit = Visit(context.new_page(), service_url)
    visit.open()
    yield visit
    context.close()
    visit.check()
