"""An engine that knows which version it is, and a store of such engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from model.bundle import Bundle
from model.errors import NotReadyError
from service.store import Store
from tests.service.stand_in import Namer


class Answerer:
    """Checks its bundle as the real one does, and answers with its version until it is closed."""

    def __init__(self, bundle: Bundle) -> None:
        Namer(bundle)  # refuses a bundle that disagrees with its golden examples
        self.metadata = bundle.metadata
        self.spec = bundle.spec
        self.version = int(bundle.path.name)
        self.is_closed = False

    def answer(self) -> int:
        if self.is_closed:
            raise NotReadyError("The model is being put away; ask again in a moment.")
        return self.version

    def close(self) -> None:
        self.is_closed = True


def store_of(models: Path, open_engine: Callable[[Bundle], Answerer] = Answerer, **given: Any) -> Store[Answerer]:
    """A store that keeps two versions of each model, not loaded yet."""
    return Store(models, open_engine, **{"keep_versions": 2} | given)


def loaded_store(models: Path, open_engine: Callable[[Bundle], Answerer] = Answerer, **given: Any) -> Store[Answerer]:
    """The same, loaded."""
    store = store_of(models, open_engine, **given)
    store.load()
    return store


def states_of(store: Store[Answerer], name: str = "colours") -> dict[int, str]:
    """The state of each version."""
    return {one.version: one.state for one in store.states(name)}


def reason_of(store: Store[Answerer], version: int, name: str = "colours") -> str | None:
    """What there is to say of a version."""
    return next(one.reason for one in store.states(name) if one.version == version)


def answer_of(store: Store[Answerer], name: str | None = "colours", version: int | None = None) -> int:
    """The version that answers a request."""
    with store.lease(name, version) as served:
        return served.engine.answer()
