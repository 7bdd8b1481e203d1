"""From the folder to the shelf: which versions are loaded, which are refused, which have changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic

from model.errors import BundleError
from service.store.fingerprint import fingerprint
from service.store.folder import found_in
from service.store.opener import Opener
from service.store.served import AnyEngine, Served
from service.store.shelf import Shelf, close
from service.store.versions import Refusal

logger = logging.getLogger("bifocal")


class Loader(Generic[AnyEngine]):
    """Loads versions. Whoever calls it holds `lock`, so that one version is loaded at a time.

    Args:
        models: holds `<name>/<version>/`.
        opener: a version's directory -> what answers for it.
        shelf: where they go.
        is_draining: whether the service is about to end, so that no other load should begin.
        sweep: called after each load: what was tried and not taken may lie about.
    """

    def __init__(
        self,
        models: Path,
        opener: Opener[AnyEngine],
        shelf: Shelf[AnyEngine],
        is_draining: Callable[[], bool],
        *,
        sweep: Callable[[], object] = lambda: None,
    ) -> None:
        self.lock = threading.Lock()
        self._models = models
        self._opener = opener
        self._shelf = shelf
        self._is_draining = is_draining
        self._sweep = sweep
        self._unreadable = ""

    def see(self) -> bool:
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

    def advance(self, name: str, *, is_first: bool = False) -> None:
        """Goes on to the best version that can be served, if one answers that is not."""
        for version in self._shelf.candidates(name):
            if self._is_draining():
                return
            if self._shelf.take_over(name, version):
                return
            opened = self._try(name, version, is_first=is_first)
            self._sweep()
            if opened is not None:
                if not self._shelf.take_over(name, version, opened):
                    close(opened)  # another was chosen while it was being loaded
                return

    def open(self, name: str, version: int) -> Served[AnyEngine]:
        """Loads a version that someone has chosen, whether it was refused before or not.

        Raises:
            BundleError: with the reason why it can't be served.
            OSError: if its directory can't be read.
        """
        files = fingerprint(self._opener.directory(name, version))
        try:
            return self._open(name, version, files, may_be_incomplete=False)
        finally:
            self._sweep()

    def compare(self, name: str) -> None:
        """Takes note of loaded versions whose files have changed or are gone."""
        for served in self._shelf.loaded(name):
            try:
                files = fingerprint(self._opener.directory(name, served.version))
            except FileNotFoundError:
                files = None
            except OSError:
                continue
            self._shelf.compare(name, served, files)

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
                bundle = self._opener.check(name, version)
                is_complete = True
                return self._opener.open(bundle, name, version, files)
        except BundleError as error:
            if is_complete or not may_be_incomplete or self._shelf.is_settled(name, version, files):
                self._shelf.refuse(name, version, Refusal(files, str(error)))
            raise
