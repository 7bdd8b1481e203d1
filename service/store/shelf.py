"""What is loaded: leased to requests, swapped in one step, put away when no request holds it any more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic

from model.errors import ConflictError, NotFoundError, NotReadyError, RequestError
from model.validation import nearest
from service.schemas import Activation, VersionState
from service.store.pins import Pins
from service.store.served import AnyEngine, Served
from service.store.versions import Refusal, Versions

logger = logging.getLogger("bifocal")


class Shelf(Generic[AnyEngine]):
    """The versions of all models, safe to use from many threads. Nothing here waits, for requests come by.

    Args:
        pins: versions that people have chosen.
        keep: versions of a model that stay loaded, the one that answers among them.
        sweep: called when a version was put away.
    """

    def __init__(self, pins: Pins, *, keep: int, sweep: Callable[[], object] = lambda: None) -> None:
        self._pins = pins
        self._keep = keep
        self._sweep = sweep
        self._models: dict[str, Versions[AnyEngine]] = {}
        self._leaving: set[Served[AnyEngine]] = set()  # swapped out, but still held by requests
        self._lock = threading.Lock()
        self._putting_away = ThreadPoolExecutor(1, thread_name_prefix="put-away")
        self._is_closed = False
        self.is_open = False  # to requests

    @contextmanager
    def lease(self, name: str | None, version: int | None) -> Iterator[Served[AnyEngine]]:
        """The version that a request asks for; it is not put away before the context ends. See `Store.lease`."""
        with self._lock:
            served = self._asked_for(name, version)
            served.leases += 1
        try:
            yield served
        finally:
            with self._lock:
                served.leases -= 1
                if not served.leases and served in self._leaving:
                    self._put_away(served)

    def names(self) -> list[str]:
        """The models, whether a version of theirs answers or not."""
        with self._lock:
            return sorted(self._models)

    def served(self, name: str) -> Served[AnyEngine] | None:
        """The version of a model that answers, if there is one; to read what it says of itself, as it is not held."""
        with self._lock:
            return self._models[name].active if name in self._models else None

    def loaded(self, name: str) -> list[Served[AnyEngine]]:
        """The version of a model that answers, and those that are kept."""
        with self._lock:
            return [*self._models[name].loaded] if name in self._models else []

    def states(self, name: str) -> list[VersionState]:
        """The versions of a model and what has become of them, oldest first; none if there is no such model."""
        with self._lock:
            return self._models[name].states(self._pins.get(name)) if name in self._models else []

    def see(self, found: Mapping[str, list[int]]) -> None:
        """Takes note of the models and versions that are on disk now, and lets go of what is gone."""
        with self._lock:
            for name in found:
                if name not in self._models:
                    # What comes later than the start is not meant by requests without a name before it answers.
                    self._models[name] = Versions(name, keep=self._keep, may_be_meant=not self.is_open)
            for name, model in [*self._models.items()]:
                self._retire(model.see(found.get(name, [])))
                if not model.on_disk and not model.loaded:
                    del self._models[name]

    def candidates(self, name: str) -> list[int]:
        """The versions that should answer rather than the one that does, best first."""
        with self._lock:
            if self._is_closed or name not in self._models:
                return []
            return self._models[name].candidates(self._pins.get(name))

    def is_refused(self, name: str, version: int, files: str) -> bool:
        """Whether a version was refused before with the same files."""
        with self._lock:
            return self._models[name].is_refused(version, files)

    def is_settled(self, name: str, version: int, files: str) -> bool:
        """Whether an incomplete version has the same files as when that was seen last; remembers them if not."""
        with self._lock:
            return self._models[name].is_settled(version, files)

    def refuse(self, name: str, version: int, refusal: Refusal) -> None:
        """Takes note of a version that can't be served, and tells the log if that is new."""
        with self._lock:
            is_new = self._models[name].refuse(version, refusal)
        if is_new:
            logger.error("model %s version %d is refused: %s", name, version, refusal.reason)

    @contextmanager
    def loading(self, name: str, version: int) -> Iterator[None]:
        """Has a version's state be `loading`."""
        model = self._models[name]
        model.loading = version
        try:
            yield
        finally:
            model.loading = None

    def compare(self, name: str, served: Served[AnyEngine], files: str | None) -> None:
        """Takes note, and tells the log, of what has become of a loaded version's files; None is that they are gone."""
        with self._lock:
            note = self._models[name].compare(served, files)
        if note is not None:
            logger.warning("model %s version %d: %s", name, served.version, note)

    def take_over(self, name: str, version: int, opened: Served[AnyEngine] | None = None) -> bool:
        """Swaps in a version that is loaded, or was opened for this, if it is still one to go on to."""
        with self._lock:
            model, pin = self._models[name], self._pins.get(name)
            served = opened or model.get(version)
            if served is None or self._is_closed or version not in model.candidates(pin):
                return False
            self._retire(model.activate(served))
        logger.info("model %s version %d is ready", name, version)
        if pin is not None and pin != version:
            logger.warning("model %s is pinned to version %d, which can't be served: %d is", name, pin, version)
        return True

    def follow(self, name: str) -> Activation:
        """Lifts a pin: the newest version answers, as far as it is loaded."""
        with self._lock:
            model = self._asked_to_change(name)
            served = model.newest
            if served is None:
                raise ConflictError(f"No version of model {name!r} can be served; /models/{name} says why.")
            return self._choose(model, None, served)

    def pin(self, name: str, version: int) -> Activation | None:
        """Pins a model to a version, which then answers; None if it has to be loaded first."""
        with self._lock:
            model = self._asked_to_change(name)
            served = model.get(version)
            return self._choose(model, version, served) if served else None

    def want(self, name: str, version: int) -> None:
        """Takes note that a version is to be loaded and to answer then."""
        with self._lock:
            self._models[name].wanted = version

    def check_wanted(self, name: str, version: int) -> None:
        """Refuses what nobody wants any more.

        Raises:
            ConflictError: if another version was asked for meanwhile: the last word counts.
            NotReadyError: after `close`.
        """
        with self._lock:
            self._wanted(name, version)

    def settle(self, name: str, version: int, served: Served[AnyEngine]) -> Activation:
        """Pins a model to a version that was loaded for this.

        Raises:
            ConflictError, NotReadyError: as `check_wanted`.
        """
        with self._lock:
            return self._choose(self._wanted(name, version), version, served)

    def close(self) -> None:
        """Answers what was accepted and lets all models go, held or not."""
        with self._lock:
            self._is_closed = True
            remaining = [served for model in self._models.values() for served in model.loaded] + [*self._leaving]
            self._leaving.clear()
            for model in self._models.values():
                model.loaded = []
        for served in remaining:
            close(served)
        self._putting_away.shutdown()

    def _asked_to_change(self, name: str) -> Versions[AnyEngine]:
        self._check_open()
        if name not in self._models:
            raise NotFoundError(f"No model {name!r}{nearest(name, self._models)}")
        return self._models[name]

    def _wanted(self, name: str, version: int) -> Versions[AnyEngine]:
        model = self._asked_to_change(name)
        if model.wanted != version:
            raise ConflictError(f"Another version of model {name!r} was asked for while {version} was being loaded.")
        return model

    def _choose(self, model: Versions[AnyEngine], version: int | None, served: Served[AnyEngine]) -> Activation:
        previous = model.active
        model.wanted = version
        self._pins.set(model.name, version)
        self._retire(model.activate(served))
        return Activation(
            model=model.name,
            version=served.version,
            previous=previous.version if previous else None,
            pinned=version is not None,
            saved=True,
        )

    def _asked_for(self, name: str | None, version: int | None) -> Served[AnyEngine]:
        self._check_open()
        if name is None:
            # Also while only one of several can be served: its callers are not the others'.
            meant = [model.name for model in self._models.values() if model.may_be_meant]
            if len(meant) > 1:
                raise RequestError(f"There are several models; say which: ?model=NAME{nearest('', meant)}")
            name = meant[0]
        model = self._models.get(name)
        if model is None or model.active is None:
            answering = [other.name for other in self._models.values() if other.active]
            raise NotFoundError(f"No model {name!r} is served{nearest(name, answering)}")
        served = model.active if version is None else model.get(version)
        if served is None:
            numbers = " and ".join(str(other.version) for other in model.loaded)
            noun = "version" if len(model.loaded) == 1 else "versions"
            raise NotFoundError(f"Model {name!r} serves {noun} {numbers}, not {version}.")
        return served

    def _check_open(self) -> None:
        if self._is_closed:
            raise NotReadyError("The models are being put away; ask again in a moment.")
        if not self.is_open:
            raise NotReadyError("The models are still being loaded; ask again in a moment.")

    def _retire(self, leaving: Iterable[Served[AnyEngine]]) -> None:
        for served in leaving:
            self._leaving.add(served)
            if not served.leases:
                self._put_away(served)

    def _put_away(self, served: Served[AnyEngine]) -> None:
        self._leaving.discard(served)
        # Not here: this may be the event loop's thread, and closing waits.
        self._putting_away.submit(close, served)
        self._putting_away.submit(self._sweep)  # on its own: by then, `close` holds the version no more


def close(served: Served[AnyEngine]) -> None:
    """Lets a version go; tells the log if it can't."""
    try:
        served.engine.close()
    except Exception:
        logger.exception("model %s version %d could not be put away", served.name, served.version)
    else:
        logger.info("model %s version %d is put away", served.name, served.version)
