"""Which backend answers for a bundle: the one that is told, the one that was chosen before, or the fastest."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from model.bundle import Bundle
from model.errors import BundleError
from model.kernels import VARIABLE
from service.backends import AS_SAVED, Backend, BackendName, Candidates, UnusableError, is_float32
from service.cpu import Cpu
from service.runtime.agreement import Agreement, reason_of
from service.runtime.choice import by_size, by_size_names, choose
from service.runtime.memory import Memory

logger = logging.getLogger("bifocal")

METHOD = 4  # of choosing; changes when what was chosen before should be chosen again

# What a backend needs, by parts of its name.
_OPENVINO = "the extra bifocal[openvino] and a bundle with the function classify, which newer exports have"
_COMPILED = "a C++ compiler when Bifocal is installed, and a CPU with AVX2 and FMA"
_NEEDED = {
    "openvino": _OPENVINO,
    "winograd": f"a model with pictures; {_OPENVINO}; {_COMPILED}",
    "int8": "a model with pictures",
    "bfloat16": "a CPU with units for bfloat16",
}


class Chooser:
    """Chooses backends.

    Args:
        told: the name of a backend; `auto` measures.
        precision: `float32` leaves out those with another; `auto` lets all compete.
        memory: of earlier choices; None for none.
        conditions: what else the choice hangs on, as numbers of threads.
    """

    def __init__(
        self,
        told: BackendName | Literal["auto"] = AS_SAVED,
        *,
        precision: Literal["auto", "float32"] = "auto",
        memory: Memory | None = None,
        conditions: Mapping[str, int] | None = None,
    ) -> None:
        self._told = told
        self._precision = precision
        self._memory = memory
        self._conditions = conditions or {}

    def choose(self, bundle: Bundle, offered: Candidates, agreement: Agreement) -> Backend:
        """A backend that answers the golden examples as the model as it was saved.

        Args:
            bundle: what is to be served.
            offered: what this machine and this bundle have, the model as it was saved first.
            agreement: what it has to answer.

        Raises:
            BundleError: if the one that was told is not there or does not agree.
        """
        if self._told != "auto":
            backend = _made([self._told], bundle, offered, agreement)
            _tell(bundle, f"{self._told}, as it was told to")
            return backend
        candidates = self._candidates(offered)
        if len(candidates) == 1:
            return _made([AS_SAVED], bundle, candidates, agreement)
        general, own = (self._key(bundle, candidates, weights=weights) for weights in (False, True))
        if self._memory and (before := self._memory.recall(own) or self._memory.recall(general)):
            # Not believed, but asked about the golden examples.
            try:
                backend = _made(before, bundle, candidates, agreement)
                _tell(bundle, f"{by_size_names(before[0], before[-1])}, as was chosen before")
                return backend
            except BundleError as error:
                logger.warning("the backend that was chosen before is of no use any more: %s", error)
        checked = partial(_one, AS_SAVED, bundle, candidates, agreement)
        begun = time.perf_counter()
        choice, backend = choose({**candidates, AS_SAVED: checked}, agreement)
        _tell(bundle, f"{choice}; choosing took {time.perf_counter() - begun:.1f} s")
        if self._memory and choice.is_lasting:
            self._memory.keep(own if choice.hangs_on_weights else general, [choice.small, choice.large])
        return backend

    def _candidates(self, offered: Candidates) -> Candidates:
        """Those that compete."""
        return {name: make for name, make in offered.items() if self._precision == "auto" or is_float32(name)}

    def _key(self, bundle: Bundle, candidates: Candidates, *, weights: bool) -> str:
        """What a choice hangs on: the machine, the libraries, the network and what there is to choose from.

        As a rule not the weights: they don't change how long a network takes, and whether a backend agrees is asked
        anew each time. So a version that was trained again does not measure while the one before it serves. With them
        where one was refused that may be of use to other weights.
        """
        cpu = Cpu.found()
        what = {
            "method": METHOD,
            "cpu": [cpu.model, *sorted(cpu.flags)],
            "onednn": os.environ.get(VARIABLE),
            "conditions": dict(self._conditions),
            "libraries": {name: _version(name) for name in ("tensorflow", "openvino")},
            "spec": bundle.spec.model_dump(mode="json"),
            "candidates": list(candidates),
            "files": dict(bundle.metadata.files) if weights else None,
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def _tell(bundle: Bundle, backend: str) -> None:
    logger.info("model %s answers by %s", _named(bundle), backend)


def _named(bundle: Bundle) -> str:
    return f"{bundle.path.parent.name} version {bundle.path.name}"


def _made(names: Sequence[str], bundle: Bundle, offered: Candidates, agreement: Agreement) -> Backend:
    """The backend of one name, or that for small and that for large batches."""
    made = {name: _one(name, bundle, offered, agreement) for name in dict.fromkeys(names)}
    return by_size(made[names[0]], made[names[-1]])


def _one(name: str, bundle: Bundle, offered: Candidates, agreement: Agreement) -> Backend:
    makes: dict[str, tuple[BackendName, Callable[[], Backend]]] = {one: (one, make) for one, make in offered.items()}
    if name not in makes:
        needed = "; ".join(what for part, what in _NEEDED.items() if part in name)
        raise BundleError(
            f"The backend {name} is not there for {_named(bundle)}, which has {', '.join(offered)}."
            + (f" It needs {needed}." if needed else "")
        )
    known, make = makes[name]
    try:
        backend = make()
        agreement.check(known, backend)
    except Exception as error:
        logger.info("backend %s can't be used: %s", name, error, exc_info=not isinstance(error, UnusableError))
        raise BundleError(f"The backend {name} can't be used for {_named(bundle)}: {reason_of(error)}") from error
    return backend


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
