"""Which versions people have chosen to answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic

from model.errors import BundleError, ConflictError, NotFoundError, NotReadyError, OverloadedError
from service.engine.priority import step_back
from service.schemas import Activation
from service.store.loader import Loader
from service.store.pins import Pins
from service.store.served import AnyEngine, Served
from service.store.shelf import Shelf, close

logger = logging.getLogger("bifocal")

# Activations that may wait for a load: far more than people have to give at once, and little to keep.
MAX_WAITING = 16
_RETRY_AFTER_S = 5.0


class Choices(Generic[AnyEngine]):
    """Pins models and lifts their pins. Safe to use from many threads.

    Args:
        pins: where choices are kept.
        shelf: what is loaded.
        loader: loads what is chosen and not loaded.
        is_draining: whether the service is about to end, so that nothing more should be loaded.
    """

    def __init__(
        self, pins: Pins, shelf: Shelf[AnyEngine], loader: Loader[AnyEngine], is_draining: Callable[[], bool]
    ) -> None:
        self._pins = pins
        self._shelf = shelf
        self._loader = loader
        self._is_draining = is_draining
        self._choosing = threading.Lock()  # taken within the loader's: choices are saved in the order they are made
        self._free = threading.BoundedSemaphore(MAX_WAITING)
        # Loads would wait for each other in any case; here they hold no thread that requests need.
        self._loads = ThreadPoolExecutor(1, thread_name_prefix="activate", initializer=step_back)

    def ask_for(self, name: str, version: int | None) -> Future[Activation]:
        """Has a version answer, at once or as soon as it is loaded; see `Store.ask_for`."""
        with self._choosing:
            if version is None:
                return self._follow(name)
            activation = self._shelf.pin(name, version)
            if activation is not None:
                return _done(self._saved(activation))
            loading = self._submit(lambda: self._load(name, version))
            self._shelf.want(name, version)  # only what is accepted; the load looks at it when `_choosing` is free
            return loading

    def close(self) -> None:
        """Waits for a load that is under way; what it loaded is let go. The shelf was closed before."""
        with self._choosing:
            pass  # whoever asks from now on is refused
        self._loads.shutdown()

    def _follow(self, name: str) -> Future[Activation]:
        activation = self._saved(self._shelf.follow(name))
        try:
            return self._submit(lambda: self._advance(name, activation))
        except OverloadedError:
            return _done(activation)  # the next look at the folder goes on to the newest

    def _advance(self, name: str, activation: Activation) -> Activation:
        """Goes on to what was not loaded while the pin was there."""
        with self._loader.lock:
            self._loader.see()
            self._loader.advance(name)
        served = self._shelf.served(name)
        return activation.model_copy(update={"version": served.version}) if served else activation

    def _load(self, name: str, version: int) -> Activation:
        with self._loader.lock:
            with self._choosing:
                self._shelf.check_wanted(name, version)
            if self._is_draining():
                raise NotReadyError("The service is about to end; ask another.")
            self._loader.see()
            there = [state.version for state in self._shelf.states(name)]
            if version not in there:
                raise NotFoundError(f"Model {name!r} has no version {version}. Valid: {', '.join(map(str, there))}.")
            # It may have been what was being loaded.
            loaded = next((served for served in self._shelf.loaded(name) if served.version == version), None)
            served = loaded or self._opened(name, version)
            try:
                with self._choosing:
                    return self._saved(self._shelf.settle(name, version, served))
            except (ConflictError, NotReadyError):
                if loaded is None:
                    close(served)
                raise

    def _opened(self, name: str, version: int) -> Served[AnyEngine]:
        try:
            return self._loader.open(name, version)
        except (BundleError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ConflictError(f"Version {version} of model {name!r} can't be served: {reason}") from None

    def _saved(self, activation: Activation) -> Activation:
        """Makes a choice last; it holds without that too."""
        what = f"pinned to version {activation.version}" if activation.pinned else "no longer pinned"
        logger.info("model %s is %s", activation.model, what)
        try:
            self._pins.save()
        except OSError as error:
            reason = f"The state directory can't be written ({error.strerror}); a restart will not know of this."
            logger.warning("model %s: %s", activation.model, reason)
            return activation.model_copy(update={"saved": False, "reason": reason})
        return activation

    def _submit(self, load: Callable[[], Activation]) -> Future[Activation]:
        if not self._free.acquire(blocking=False):
            raise OverloadedError(
                f"{MAX_WAITING} activations wait for versions to be loaded already; ask again in a moment.",
                retry_after_s=_RETRY_AFTER_S,
            )
        loading = self._loads.submit(load)
        loading.add_done_callback(lambda _: self._free.release())
        return loading


def _done(activation: Activation) -> Future[Activation]:
    future: Future[Activation] = Future()
    future.set_result(activation)
    return future
