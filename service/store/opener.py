"""From a version's directory to what answers for it, or to the reason why nothing can."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Generic

from model.bundle import Bundle
from model.errors import BifocalError, BundleError
from service.store.served import AnyEngine, Served

logger = logging.getLogger("bifocal")

_CARD = Path("assets.extra") / "MODEL_CARD.md"
_UNEXPECTED = "It could not be loaded; the log says why."


class Opener(Generic[AnyEngine]):
    """Loads versions.

    Args:
        models: holds `<name>/<version>/`.
        open_engine: a bundle -> what answers for it, checked and warm.
    """

    def __init__(self, models: Path, open_engine: Callable[[Bundle], AnyEngine]) -> None:
        self._models = models
        self._open_engine = open_engine

    def directory(self, name: str, version: int) -> Path:
        """Where a version is."""
        return self._models / name / str(version)

    def check(self, name: str, version: int) -> Bundle:
        """A version's bundle, complete and undamaged.

        Raises:
            BundleError: if it is not, in words fit for whoever asks.
        """
        try:
            return Bundle(self.directory(name, version))
        except Exception as error:
            raise self._in_words(error, name, version) from None

    def open(self, bundle: Bundle, name: str, version: int, files: str) -> Served[AnyEngine]:
        """A bundle in memory.

        Args:
            bundle: what `check` gave.
            name: of the model.
            version: its number.
            files: fingerprint of the directory from before it was checked.

        Raises:
            BundleError: if it can't be served, in words fit for whoever asks.
        """
        try:
            card = bundle.path / _CARD
            text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else None
            examples = bundle.examples
            return Served(name, version, self._open_engine(bundle), files, text, examples)
        except Exception as error:  # whatever is wrong with one bundle, the others can be served
            raise self._in_words(error, name, version) from None

    def _in_words(self, error: Exception, name: str, version: int) -> BundleError:
        if not isinstance(error, BifocalError):
            logger.error("model %s version %d: an unexpected error", name, version, exc_info=error)
            return BundleError(_UNEXPECTED)
        reason = str(error)
        for models in (self._models.absolute(), self._models.resolve()):
            reason = reason.replace(f"{models}/", "")  # TensorFlow tells where it looked
        return BundleError(reason)
