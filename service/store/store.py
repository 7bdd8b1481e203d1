"""The models that are served: found on disk, loaded, watched, chosen, leased to requests by name and version."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Generic

from model.bundle import Bundle
from model.errors import BundleError, ConflictError, NotFoundError, NotReadyError
from service.schemas import Activation, VersionState
from service.store.fingerprint import fingerprint
from service.store.folder import find, found_in
from service.store.opener import Opener
from service.store.pins import Pins
from service.store.poller import Poller
from service.store.served import AnyEngine, Served
from service.store.shelf import Shelf, close
from service.store.versions import Refusal

logger = logging.getLogger("bifocal")

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
        on_change: called after a state has changed, from any thread; should be quick.
    """

    def __init__(
        self,
        models: Path,
        open_engine: Callable[[Bundle], AnyEngine],
        *,
        keep_versions: int,
        state_dir: Path | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._models = models
        self._opener = Opener(models, open_engine)
        self._pins = Pins(state_dir or models / ".state")
        self._shelf: Shelf[AnyEngine] = Shelf(self._pins, keep=keep_versions)
        self._on_change = on_change
        self._loading = threading.Lock()
        self._choosing = threading.Lock()  # taken within `_loading`: choices are saved in the order they are made
        self._poller: Poller | None = None
        self._unreadable = ""
        self.is_draining = False

    @property
    def is_loaded(self) -> bool:
        """Whether requests can be answered."""
        return self._shelf.is_open

    def load(self) -> None:
        """Loads the pinned or else the newest version of each model; one that is refused gives way to the one before.

        Raises:
            BundleError: if no model can be served.
            StorageError: if the pins can't be read.
        """
        self._pins.read()
        found = find(self._models)
        with self._loading:
            self._shelf.see(found)
            for name in self.names():
                self._advance(name, is_first=True)
        if not any(self.served(name) for name in found):
            raise BundleError(f"None of the models in {self._models} can be served: {', '.join(found)}.")
        self._shelf.is_open = True
        self._on_change()

    def start_watching(self, poll_s: float) -> None:
        """Looks at the folder every `poll_s` seconds, in a thread of its own, until `close`."""
        self._poller = Poller(self.look, poll_s, name="watch-models")

    def look(self) -> None:
        """Looks at the folder once: loads and swaps in what is new, lets go of what is gone."""
        with self._loading:
            if self.is_draining:
                return
            if not self._see():
                return
            for name in self.names():
                self._advance(name)
                self._compare(name)
        self._on_change()

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
            NotReadyError: before the models are loaded, and after `close`.
        """
        return self._follow(name) if version is None else self._pin(name, version)

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
        with self._loading:
            pass  # what is loaded for someone's choice is let go as soon as it is there
        self._on_change()

    def _see(self) -> bool:
        """Takes note of what is in the folder; gives whether it could be read."""
        try:
            self._shelf.see(found_in(self._models))
        except OSError as error:
            # A volume that is gone for a moment is no reason to let go of anything.
            if str(error) != self._unreadable:
                logger.warning("the models folder can't be read (%s); what is loaded stays", error.strerror)
            self._unreadable = str(error)
            return False
        self._unreadable = ""
        return True

    def _advance(self, name: str, *, is_first: bool = False) -> None:
        """Goes on to the best version that can be served, if one answers that is not."""
        for version in self._shelf.candidates(name):
            if self._shelf.take_over(name, version):
                return
            opened = self._try(name, version, is_first=is_first)
            if opened is not None:
                if not self._shelf.take_over(name, version, opened):
                    close(opened)  # another was chosen while it was being loaded
                self._on_change()
                return

    def _try(self, name: str, version: int, *, is_first: bool) -> Served[AnyEngine] | None:
        """Loads a version, unless it was refused before with the same files or is still being copied."""
        try:
            files = fingerprint(self._opener.directory(name, version))
        except OSError:
            return None  # it is being changed at this moment; the next look will tell
        if self._shelf.is_refused(name, version, files):
            return None
        try:
            # The first look has none before it to compare with: what is incomplete then is refused until it changes.
            return self._open(name, version, files, may_be_incomplete=not is_first)
        except BundleError:
            return None

    def _open(self, name: str, version: int, files: str, *, may_be_incomplete: bool) -> Served[AnyEngine]:
        """Loads a version, or takes note of why it is refused.

        Args:
            name: of the model.
            version: its number.
            files: fingerprint of them.
            may_be_incomplete: whether it is no reason to refuse it if it is not whole, before its files stay the same.

        Raises:
            BundleError: with the reason.
        """
        is_complete = False
        try:
            with self._shelf.loading(name, version):
                self._on_change()
                bundle = self._opener.check(name, version)
                is_complete = True
                return self._opener.open(bundle, name, version, files)
        except BundleError as error:
            if is_complete or not may_be_incomplete or self._shelf.is_settled(name, version, files):
                self._shelf.refuse(name, version, Refusal(files, str(error)))
            raise
        finally:
            self._on_change()

    def _compare(self, name: str) -> None:
        """Takes note of loaded versions whose files have changed or are gone."""
        for served in self._shelf.loaded(name):
            try:
                files = fingerprint(self._opener.directory(name, served.version))
            except FileNotFoundError:
                files = None
            except OSError:
                continue
            self._shelf.compare(name, served, files)

    def _follow(self, name: str) -> Activation:
        with self._choosing:
            activation = self._saved(self._shelf.follow(name))
        with self._loading:
            self._see()
            self._advance(name)  # to what was not loaded while the pin was there
        served = self.served(name)
        return activation.model_copy(update={"version": served.version}) if served else activation

    def _pin(self, name: str, version: int) -> Activation:
        with self._choosing:
            turn, activation = self._shelf.pin(name, version)
            if activation is not None:
                return self._saved(activation)
        with self._loading:
            self._see()
            there = [state.version for state in self.states(name)]
            if version not in there:
                raise NotFoundError(f"Model {name!r} has no version {version}. Valid: {', '.join(map(str, there))}.")
            # It may have been what was being loaded.
            loaded = next((served for served in self._shelf.loaded(name) if served.version == version), None)
            served = loaded or self._opened_to_pin(name, version)
            try:
                with self._choosing:
                    return self._saved(self._shelf.settle(name, version, turn, served))
            except (ConflictError, NotReadyError):
                if loaded is None:
                    close(served)
                raise

    def _opened_to_pin(self, name: str, version: int) -> Served[AnyEngine]:
        try:
            files = fingerprint(self._opener.directory(name, version))
            return self._open(name, version, files, may_be_incomplete=False)
        except (BundleError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ConflictError(f"Version {version} of model {name!r} can't be served: {reason}") from None

    def _saved(self, activation: Activation) -> Activation:
        """Makes a choice last; it holds without that too."""
        what = f"pinned to version {activation.version}" if activation.pinned else "no longer pinned"
        logger.info("model %s is %s", activation.model, what)
        self._on_change()
        try:
            self._pins.save()
        except OSError as error:
            reason = f"The state directory can't be written ({error.strerror}); a restart will not know of this."
            logger.warning("model %s: %s", activation.model, reason)
            return activation.model_copy(update={"saved": False, "reason": reason})
        return activation
