"""The models that are served: found on disk, loaded, watched, chosen, leased to requests by name and version."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Generic

from model.bundle import Bundle
from model.errors import BundleError
from service.schemas import Activation, VersionState
from service.store.choices import Choices
from service.store.folder import find
from service.store.loader import Loader
from service.store.opener import Opener
from service.store.pins import Pins
from service.store.poller import Poller
from service.store.served import AnyEngine, Served
from service.store.shelf import Shelf

__all__ = ["Served", "Store", "find"]


class Store(Generic[AnyEngine]):
    """The versions of each model under a folder. Safe to use from many threads.

    A request leases a version and may use it for as long as it holds it, whatever is swapped in meanwhile. One version
    is loaded at a time, and nothing but what has to be loaded first waits for that.

    Args:
        models: holds `<name>/<version>/`.
        open_engine: a bundle -> what answers for it, checked and warm.
        keep_versions: versions of a model that stay loaded, the one that answers among them.
        state_dir: holds the pins; `<models>/.state` if None.
        sweep: called when a version was loaded, refused or put away.
    """

    def __init__(
        self,
        models: Path,
        open_engine: Callable[[Bundle], AnyEngine],
        *,
        keep_versions: int,
        state_dir: Path | None = None,
        sweep: Callable[[], object] = lambda: None,
    ) -> None:
        def is_draining() -> bool:
            return self.is_draining

        self.is_draining = False
        self._models = models
        self._pins = Pins(state_dir or models / ".state")
        self._shelf: Shelf[AnyEngine] = Shelf(self._pins, keep=keep_versions, sweep=sweep)
        self._loader = Loader(models, Opener(models, open_engine), self._shelf, is_draining, sweep=sweep)
        self._choices = Choices(self._pins, self._shelf, self._loader, is_draining)
        self._poller: Poller | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether requests can be answered."""
        return self._shelf.is_open

    def load(self) -> None:
        """Loads the pinned or else the newest version of each model; one that is refused gives way to the one before.

        If the service is told to end meanwhile, no other load begins, and nothing is served.

        Raises:
            BundleError: if no model can be served.
            StorageError: if the pins can't be read.
        """
        self._pins.read()
        found = find(self._models)
        with self._loader.lock:
            self._shelf.see(found)
            for name in self.names():
                self._loader.advance(name, is_first=True)
        if self.is_draining:
            return
        if not any(self.served(name) for name in found):
            raise BundleError(f"None of the models in {self._models} can be served: {', '.join(found)}.")
        self._shelf.is_open = True

    def start_watching(self, poll_s: float) -> None:
        """Looks at the folder every `poll_s` seconds, in a thread of its own, until `close`."""
        self._poller = Poller(self.look, poll_s, name="watch-models")

    def look(self) -> None:
        """Looks at the folder once: loads and swaps in what is new, lets go of what is gone."""
        with self._loader.lock:
            if self.is_draining or not self._loader.see():
                return
            for name in self.names():
                self._loader.advance(name)
                self._loader.compare(name)

    def lease(self, name: str | None, version: int | None) -> AbstractContextManager[Served[AnyEngine]]:
        """The version that a request asks for; it is not put away before the context ends.

        Args:
            name: of the model; None is the only one there is.
            version: None is the one that answers; others can be asked for while they are loaded.

        Raises:
            NotReadyError: before the models are loaded, and after `close`.
            NotFoundError: if there is no such model, or that version of it is not loaded.
            RequestError: if the request must say which model.
        """
        return self._shelf.lease(name, version)

    def activate(self, name: str, version: int | None) -> Activation:
        """Pins a model to a version, which is loaded first if it is not; or lets it follow its newest version again.

        A loaded version answers at once, whatever is being loaded; otherwise this takes as long as loading does.

        Args:
            name: of the model.
            version: its number; None lifts the pin.

        Raises:
            NotFoundError: if there is no such model or version.
            ConflictError: if the version is refused, or another one was asked for meanwhile.
            NotReadyError: before the models are loaded, and when the service is about to end.
            OverloadedError: if too many wait for a version to be loaded already.
        """
        return self.ask_for(name, version).result()

    def ask_for(self, name: str, version: int | None) -> Future[Activation]:
        """The same, with what takes long still to come: loading, of which the future has the outcome and the errors."""
        return self._choices.ask_for(name, version)

    def names(self) -> list[str]:
        """The models that were found, whether a version of theirs answers or not."""
        return self._shelf.names()

    def served(self, name: str) -> Served[AnyEngine] | None:
        """The version of a model that answers, if there is one; to read what it says of itself, as it is not held."""
        return self._shelf.served(name)

    def states(self, name: str) -> list[VersionState]:
        """The versions of a model and what has become of them, oldest first; none if there is no such model."""
        return self._shelf.states(name)

    def pinned(self, name: str) -> int | None:
        """The version that a model is pinned to."""
        return self._pins.get(name)

    def close(self) -> None:
        """Answers what was accepted and lets all models go, held or not; waits for a load that is under way."""
        self._shelf.close()
        if self._poller is not None:
            self._poller.stop()
        self._choices.close()
