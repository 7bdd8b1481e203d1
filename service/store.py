"""The models that are served: found on disk, loaded, asked for by name and version."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.bundle import Bundle, Metadata, versions
from model.errors import BifocalError, BundleError, NotFoundError, NotReadyError, RequestError
from model.examples import DecodedExample
from model.validation import nearest
from service.batcher import Batcher

logger = logging.getLogger("bifocal")


class Runtime(Protocol):
    """What can be loaded from a bundle; `service.runtime.Runtime` is the real one."""

    def warm_up(self, batch_sizes: Sequence[int]) -> None:
        """Makes batches of these sizes fast from their first call on."""

    def predict(self, examples: Sequence[DecodedExample]) -> list[dict[str, NDArray[np.float32]]]:
        """Probabilities of each head, for each example."""


@dataclass(frozen=True)
class Served:
    """A version that answers.

    Args:
        name: of the model.
        version: its number.
        metadata: of its bundle.
        batcher: takes decoded examples, gives the probabilities of each head.
    """

    name: str
    version: int
    metadata: Metadata
    batcher: Batcher[DecodedExample, dict[str, NDArray[np.float32]]]


class Store:
    """The newest good version of each model under a folder.

    Args:
        models: holds `<name>/<version>/`.
        load: a bundle -> a runtime.
        max_batch_size: examples a runtime is given at once at most.
    """

    def __init__(self, models: Path, load: Callable[[Bundle], Runtime], *, max_batch_size: int) -> None:
        self._models = models
        self._load = load
        self._max_batch_size = max_batch_size
        self._served: dict[str, Served] = {}
        self._refused: dict[str, dict[int, str]] = {}
        self._found: dict[str, list[int]] = {}
        self.is_loaded = False

    def load(self) -> None:
        """Loads the newest version of each model; one that is refused gives way to the one before it.

        Raises:
            BundleError: if no model can be served.
        """
        found = find(self._models)
        self._refused = {name: {} for name in found}
        self._found = found
        for name, numbers in found.items():
            for version in reversed(numbers):
                try:
                    self._served[name] = self._open(name, version)
                except BifocalError as error:
                    logger.error("model %s version %d is refused: %s", name, version, error)
                    self._refused[name][version] = str(error)
                except Exception:  # whatever is wrong with one bundle, the others can be served
                    logger.exception("model %s version %d is refused", name, version)
                    self._refused[name][version] = "It could not be loaded; the log says why."
                else:
                    logger.info("model %s version %d is ready", name, version)
                    break
        if not self._served:
            raise BundleError(f"None of the models in {self._models} can be served: {', '.join(found)}.")
        self.is_loaded = True

    def names(self) -> list[str]:
        """The models that were found, served or not."""
        return sorted(self._found)

    def versions(self, name: str) -> list[int]:
        """The versions of a model that were found, oldest first."""
        return self._found[name]

    def served(self, name: str) -> Served | None:
        """The version of a model that answers, if one does."""
        return self._served.get(name)

    def refused(self, name: str) -> dict[int, str]:
        """For each version that could not be served the reason."""
        return dict(self._refused[name])  # a copy: another thread may still be loading

    def get(self, name: str | None, version: int | None) -> Served:
        """The version that a request asks for.

        Args:
            name: of the model; None is the only one there is.
            version: None is the one that is served.

        Raises:
            NotReadyError: before the models are loaded.
            NotFoundError: if there is no such model, or that version of it is not served.
            RequestError: if the request must say which model.
        """
        if not self.is_loaded:
            raise NotReadyError("The models are still being loaded; ask again in a moment.")
        if name is None:
            # Also while only one of several could be served: its callers are not the others'.
            if len(self._found) > 1:
                raise RequestError(f"There are several models; say which: ?model=NAME{nearest('', self._found)}")
            name = next(iter(self._found))
        served = self._served.get(name)
        if served is None:
            raise NotFoundError(f"No model {name!r} is served{nearest(name, self._served)}")
        if version is not None and version != served.version:
            raise NotFoundError(f"Model {name!r} serves version {served.version}, not {version}.")
        return served

    def close(self) -> None:
        """Answers what was accepted and lets the models go."""
        for served in self._served.values():
            served.batcher.close()

    def _open(self, name: str, version: int) -> Served:
        bundle = Bundle(self._models / name / str(version))
        runtime = self._load(bundle)
        runtime.warm_up((1, self._max_batch_size))
        batcher = Batcher(runtime.predict, max_batch_size=self._max_batch_size, name=f"model-{name}-{version}")
        return Served(name, version, bundle.metadata, batcher)


def find(models: Path) -> dict[str, list[int]]:
    """The models under a folder and their versions, oldest first.

    Raises:
        BundleError: if there is none.
    """
    found = {}
    if models.is_dir():
        for directory in sorted(models.iterdir()):
            if numbers := versions(directory):
                found[directory.name] = numbers
    if not found:
        raise BundleError(
            f"There is no model in {models}: expected {models}/<name>/<version>/. Train one with "
            "'bifocal-training fit', or point to another folder."
        )
    return found
