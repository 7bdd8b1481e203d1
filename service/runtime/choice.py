"""Choosing a backend by measuring: as fast as can be among those that agree. Without TensorFlow."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.examples import Tensors
from model.golden import TOLERANCE, Golden
from model.spec import ModelSpec, MultiLabelHead
from service.backends import AS_SAVED, Answers, Backend, BackendName, Candidates, is_float32

logger = logging.getLogger("bifocal")

# bfloat16 has 8 bits of precision: probabilities may differ by so much, and no label may.
REDUCED_TOLERANCE = 0.02
BATCH_SIZES = (1, 16)
MAX_SMALL = 4  # examples: between the two, where one is no better a guess than the other
SLOW_S = 0.25  # a model that takes so long for a batch is timed with single examples alone
ROUNDS = 15
ENOUGH_S = 3.0
# So many times as fast as the model as it was saved it has to be: less may be the noise of a busy machine.
CLEARLY = 1.1


@dataclass(frozen=True)
class Choice:
    """What was measured and what follows from it.

    Args:
        small: the backend for batches of at most `MAX_SMALL`.
        large: the one for larger batches.
        seconds: for each that was measured, the median of a call with 1 example, and with a batch of 16.
        refused: for each that can't be used, why.
    """

    small: BackendName
    large: BackendName
    seconds: Mapping[BackendName, tuple[float, ...]] = field(default_factory=dict)
    refused: Mapping[BackendName, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line for the log."""
        names = self.small if self.small == self.large else f"{self.small}, batches over {MAX_SMALL} by {self.large}"
        timed = ", ".join(
            f"{name} {' and '.join(f'{1000 * one:.1f}' for one in taken)} ms" for name, taken in self.seconds.items()
        )
        refused = "".join(f"; {name}: {reason}" for name, reason in self.refused.items())
        sizes = " and ".join(str(size) for size in BATCH_SIZES)
        return f"{names} (a batch of {sizes}: {timed}{refused})"


def by_size(small: Backend, large: Backend) -> Backend:
    """One backend for batches of at most `MAX_SMALL`, another for larger ones."""
    if small is large:
        return small

    def answer(tensors: Tensors) -> Answers:
        return (small if len(next(iter(tensors.values()))) <= MAX_SMALL else large)(tensors)

    return answer


def choose(
    candidates: Candidates,
    golden: Golden,
    spec: ModelSpec,
    *,
    thresholds: Mapping[str, NDArray[np.float32]],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Choice, Backend]:
    """Makes each candidate, drops those that disagree with the golden examples, and times the others in turn.

    Args:
        candidates: the model as it was saved among them.
        golden: examples with the probabilities that training got for them.
        spec: of the model.
        thresholds: for each multi-label head from which probability on a label is given, float32 (classes,).
        clock: gives seconds.

    Returns:
        For either kind of batch the fastest, if clearly faster than the model as it was saved; and what calls both.
    """
    tensors = golden.tensors(spec)
    usable, refused = {}, {}
    for name, make in candidates.items():
        try:
            backend = make()
            check(name, backend(tensors), golden, spec, thresholds)
        except Exception as error:  # whatever is wrong with one way, the others may do
            if name == AS_SAVED:
                raise
            logger.info("backend %s can't be used: %s", name, error, exc_info=not isinstance(error, DisagreementError))
            refused[name] = f"{error}".partition("\n")[0]
        else:
            usable[name] = backend
    seconds = timed(usable, tensors, clock=clock) if len(usable) > 1 else {}
    small, *larger = (_fastest(taken) for taken in _by_size(seconds)) if seconds else (AS_SAVED,)
    choice = Choice(small, larger[0] if larger else small, seconds, refused)
    return choice, by_size(usable[choice.small], usable[choice.large])


def _by_size(seconds: Mapping[BackendName, tuple[float, ...]]) -> Iterator[dict[BackendName, float]]:
    for taken in zip(*seconds.values(), strict=True):
        yield dict(zip(seconds, taken, strict=True))


def _fastest(seconds: Mapping[BackendName, float]) -> BackendName:
    fastest = min(seconds, key=lambda name: seconds[name])
    return fastest if seconds[AS_SAVED] / seconds[fastest] >= CLEARLY else AS_SAVED


class DisagreementError(Exception):
    """A backend answers something else than the model that was trained."""


def check(
    name: BackendName,
    answers: Answers,
    golden: Golden,
    spec: ModelSpec,
    thresholds: Mapping[str, NDArray[np.float32]],
) -> None:
    """Compares a backend's answers to the golden examples with those of training.

    Raises:
        DisagreementError: if a probability differs by more than its precision allows, or any label changes.
    """
    tolerance = TOLERANCE if is_float32(name) else REDUCED_TOLERANCE
    for head, expected in golden.probabilities.items():
        given = answers[head]
        if given.shape != expected.shape:
            raise DisagreementError(f"head {head!r} has the shape {given.shape}, not {expected.shape}")
        difference = float(np.abs(given - expected).max())
        if not difference <= tolerance:  # written so that NaN fails
            raise DisagreementError(f"probabilities of {head!r} differ by {difference:.2g}; at most {tolerance:g} may")
        if isinstance(spec.heads[head], MultiLabelHead):
            changed = (given >= thresholds[head]) != (expected >= thresholds[head])
        else:
            changed = given.argmax(axis=1) != expected.argmax(axis=1)
        if changed.any():
            raise DisagreementError(f"labels of {head!r} change")


def timed(
    backends: Mapping[BackendName, Backend], tensors: Tensors, *, clock: Callable[[], float] = time.perf_counter
) -> dict[BackendName, tuple[float, ...]]:
    """The median seconds of a call of each backend with each batch size, measured in turn for some seconds at most."""
    batches = [_of_size(tensors, size) for size in BATCH_SIZES]
    begun = clock()
    for backend in backends.values():
        for batch in batches:
            backend(batch)  # the first call of a size prepares kernels for it
    if clock() - begun > SLOW_S * len(backends):
        batches = batches[:1]
    taken: dict[BackendName, list[list[float]]] = {name: [[] for _ in batches] for name in backends}
    begun = clock()
    for _ in range(ROUNDS):
        for name, backend in backends.items():
            for times, batch in zip(taken[name], batches, strict=True):
                started = clock()
                backend(batch)
                times.append(clock() - started)
        if clock() - begun > ENOUGH_S:
            break
    return {name: tuple(statistics.median(times) for times in both) for name, both in taken.items()}


def _of_size(tensors: Tensors, size: int) -> Tensors:
    return {name: np.resize(array, (size, *array.shape[1:])) for name, array in tensors.items()}
