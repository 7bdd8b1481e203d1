"""Which backend answers for a bundle: the one that is told, the one that was chosen before, or the fastest."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from model.bundle import Bundle
from model.errors import BundleError
from service.backends import AS_SAVED, Backend, BackendName, Candidates, is_float32
from service.runtime.choice import DisagreementError, by_size, check, choose
from service.runtime.memory import Memory

logger = logging.getLogger("bifocal")


class Chooser:
    """Chooses backends.

    Args:
        told: the name of a backend; `auto` measures.
        precision: `float32` leaves out those with another; `auto` lets all compete.
        memory: of earlier choices; None for none.
        threads: that a call may use, as the choice hangs on it.
    """

    def __init__(
        self,
        told: BackendName | Literal["auto"] = AS_SAVED,
        *,
        precision: Literal["auto", "float32"] = "auto",
        memory: Memory | None = None,
        threads: int = 1,
    ) -> None:
        self._told = told
        self._precision = precision
        self._memory = memory
        self._threads = threads

    def choose(self, bundle: Bundle, offered: Candidates) -> Backend:
        """A backend that agrees with the golden examples.

        Args:
            bundle: what is to be served.
            offered: what this machine and this bundle have, the model as it was saved first.

        Raises:
            BundleError: if the one that was told is not there or does not agree.
        """
        if self._told != "auto":
            return self._made([self._told], bundle, offered)
        candidates = {name: make for name, make in offered.items() if self._precision == "auto" or is_float32(name)}
        key = self._key(bundle, candidates)
        if self._memory and (before := self._memory.recall(key)):
            # Not believed, but asked about the golden examples.
            with suppress(BundleError):
                return self._made(before, bundle, candidates)
        choice, backend = choose(candidates, bundle.golden(), bundle.spec, thresholds=bundle.metadata.threshold_arrays)
        if len(candidates) > 1:
            logger.info("model %s version %s answers by %s", bundle.path.parent.name, bundle.path.name, choice)
            if self._memory:
                self._memory.keep(key, [choice.small, choice.large])
        return backend

    def _made(self, names: Sequence[str], bundle: Bundle, offered: Candidates) -> Backend:
        """The backend of one name, or that for small and that for large batches."""
        made = {name: self._one(name, bundle, offered) for name in names}
        return by_size(made[names[0]], made[names[-1]])

    def _one(self, name: str, bundle: Bundle, offered: Candidates) -> Backend:
        for known, make in offered.items():
            if known == name:
                return self._checked(known, make, bundle)
        raise BundleError(
            f"The backend {name} is not there for {bundle.path.name}; it has {', '.join(offered)}. OpenVINO's need the "
            "extra bifocal[openvino] and a bundle of a build that has them; those in bfloat16 a CPU with units for it."
        )

    def _checked(self, name: BackendName, make: Callable[[], Backend], bundle: Bundle) -> Backend:
        try:
            backend = make()
            if name != AS_SAVED:  # of which the runtime itself says more exactly what is wrong
                golden, thresholds = bundle.golden(), bundle.metadata.threshold_arrays
                check(name, backend(golden.tensors(bundle.spec)), golden, bundle.spec, thresholds)
        except Exception as error:
            logger.info("backend %s can't be used", name, exc_info=not isinstance(error, DisagreementError))
            raise BundleError(f"The backend {name} can't be used for {bundle.path.name}: {error}") from error
        return backend

    def _key(self, bundle: Bundle, candidates: Mapping[BackendName, object]) -> str:
        """What a choice hangs on: the machine, the libraries, the model and what there is to choose from."""
        what = {
            "cpu": cpu_model(),
            "threads": self._threads,
            "libraries": {name: _version(name) for name in ("tensorflow", "openvino")},
            "files": bundle.metadata.files,
            "candidates": list(candidates),
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def cpu_model() -> str:
    """What the CPU calls itself, with what it can do."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        wanted = ("model name", "flags", "Features", "CPU part")
        found = {
            line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in reversed(lines) if ":" in line
        }
        return "; ".join(found[one] for one in wanted if one in found)
    return platform.processor()


def has_bfloat16() -> bool:
    """Whether this CPU has units for bfloat16 that TensorFlow's oneDNN uses."""
    return any(flag in cpu_model().split() for flag in ("avx512_bf16", "amx_bf16", "bf16"))


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
