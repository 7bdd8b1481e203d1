"""Choosing a backend by measuring: as fast as can be among those that agree. Without TensorFlow."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from model.examples import Tensors
from service.backends import (
    AS_SAVED,
    Answers,
    Backend,
    BackendName,
    Candidates,
    Preparing,
    UnsuitableError,
    UnusableError,
)
from service.runtime.agreement import Agreement, reason_of
from service.runtime.timing import BY_FAR, CLEARLY, LEAST_ROUNDS, Times, competing, medians, seconds_of, timed

logger = logging.getLogger("bifocal")

LARGE_SIZES = (16, 8)  # examples of a large batch: the first that takes no longer than `SLOW_S`
MAX_SMALL = 4  # examples: between the two, where one is no better a guess than the other
SLOW_S = 0.5  # a model that would take longer for any large batch keeps those as it was saved
MAKING_S = 4.0  # no further backend is made then
ENOUGH_S = 5.0  # of everything: no further round is begun then


@dataclass(frozen=True)
class Choice:
    """What was measured and what follows from it.

    Args:
        small: the backend for batches of at most `MAX_SMALL`.
        large: the one for larger batches.
        sizes: examples in the batches that were measured, a small and a large one; or a small one alone.
        seconds: for each that was measured, the median of a call with a batch of each size.
        refused: for each that can't be used, why.
        is_lasting: whether another time the same would come of it: nothing failed that may succeed then, and it was
            measured often enough.
        hangs_on_weights: whether one was refused that other weights of the same network might be allowed.
    """

    small: BackendName
    large: BackendName
    sizes: tuple[int, ...] = (1,)
    seconds: Mapping[BackendName, tuple[float, ...]] = field(default_factory=dict)
    refused: Mapping[BackendName, str] = field(default_factory=dict)
    is_lasting: bool = True
    hangs_on_weights: bool = False

    def __str__(self) -> str:
        """One line for the log."""
        names = by_size_names(self.small, self.large)
        timed = ", ".join(
            f"{name} {' and '.join(f'{1000 * one:.1f}' for one in taken)} ms" for name, taken in self.seconds.items()
        )
        refused = "".join(f"; {name}: {reason}" for name, reason in self.refused.items())
        sizes = " and ".join(str(size) for size in self.sizes)
        measured = f"a batch of {sizes}: {timed}" if timed else "nothing to measure it against"
        return f"{names} ({measured}{refused})"


def by_size_names(small: str, large: str) -> str:
    """What `by_size` of two backends is called."""
    return small if small == large else f"{small}, batches over {MAX_SMALL} by {large}"


def by_size(small: Backend, large: Backend) -> Backend:
    """One backend for batches of at most `MAX_SMALL`, another for larger ones."""
    if small is large:
        return small
    # Only an example alone is ever prepared.
    return _PreparingBySize(small, large) if isinstance(small, Preparing) else _BySize(small, large)


class _BySize:
    def __init__(self, small: Backend, large: Backend) -> None:
        self._small = small
        self._large = large

    def __call__(self, tensors: Tensors) -> Answers:
        size = len(next(iter(tensors.values())))
        return (self._small if size <= MAX_SMALL else self._large)(tensors)


class _PreparingBySize(_BySize):
    def __init__(self, small: Preparing, large: Backend) -> None:
        super().__init__(small, large)
        self.prepare = small.prepare


def choose(
    candidates: Candidates, agreement: Agreement, *, clock: Callable[[], float] = time.perf_counter
) -> tuple[Choice, Backend]:
    """Makes each candidate, drops those that disagree with the model as it was saved, and times the others in turn.

    Args:
        candidates: the model as it was saved first, which is not checked here.
        agreement: what the others have to answer.
        clock: gives seconds.

    Raises:
        Exception: whatever the model as it was saved raises.

    Returns:
        For either kind of batch the fastest, if clearly faster than the model as it was saved; and what calls both.
    """
    begun = clock()
    usable: dict[BackendName, Backend] = {AS_SAVED: candidates[AS_SAVED]()}
    saved, one = usable[AS_SAVED], _of_size(agreement.tensors, 1)
    saved(one)  # the first call of a size prepares kernels for it
    alone_s = min(seconds_of(partial(saved, one), clock) for _ in range(3))
    sizes = (1, *[size for size in LARGE_SIZES if alone_s * size <= SLOW_S][:1])
    batches = [_of_size(agreement.tensors, size) for size in sizes]
    for batch in batches[1:]:
        saved(batch)
    refused: dict[BackendName, str] = {}
    has_failed = is_cut_short = hangs_on_weights = False
    for name, make in candidates.items():
        if name == AS_SAVED:
            continue
        # The default model, frozen, was never clearly faster than as it was saved (docs/decisions/serving-cost.md), and
        # took longer to make than all of OpenVINO's together.
        if name == "frozen-float32" and "openvino-float32" in usable:
            continue
        if clock() - begun > MAKING_S:
            refused[name], is_cut_short = "no time left to try it", True
            continue
        try:
            backend = make()
            agreement.check(name, backend)
            for batch in batches:
                agreement.check_batch(name, backend, batch)
        except Exception as error:  # whatever is wrong with one way, the others may do
            is_expected = isinstance(error, UnusableError)
            logger.info("backend %s can't be used: %s", name, error, exc_info=not is_expected)
            refused[name] = reason_of(error)
            hangs_on_weights |= is_expected and not isinstance(error, UnsuitableError)
            has_failed |= not is_expected
        else:
            usable[name] = backend
    rounds, failed = timed(usable, batches, clock=clock, until=begun + ENOUGH_S) if len(usable) > 1 else ([], {})
    refused |= failed
    has_failed |= bool(failed)
    typical = medians(competing(rounds))
    small = _fastest(typical, 0)
    large = _fastest(typical, 1) if len(batches) > 1 else AS_SAVED
    # Another time may do for all; but no load is to take that long again if something faster is found already.
    is_done = not is_cut_short or (small, large) != (AS_SAVED, AS_SAVED)
    is_sure = not rounds or len(rounds) >= LEAST_ROUNDS or _is_by_far(typical)
    is_lasting = is_done and not has_failed and is_sure
    choice = Choice(small, large, sizes, medians(rounds), refused, is_lasting, hangs_on_weights)
    return choice, by_size(usable[small], usable[large])


def _fastest(typical: Times, place: int) -> BackendName:
    """The fastest with batches of one size; the model as it was saved, unless something is clearly faster."""
    if not typical:
        return AS_SAVED
    fastest = min(typical, key=lambda name: typical[name][place])
    is_left_behind = AS_SAVED not in typical
    return fastest if is_left_behind or typical[AS_SAVED][place] / typical[fastest][place] >= CLEARLY else AS_SAVED


def _is_by_far(typical: Times) -> bool:
    """Whether the model as it was saved is far behind, with batches of each size."""
    if AS_SAVED not in typical or len(typical) == 1:
        return True
    return all(saved / min(others) >= BY_FAR for saved, *others in zip(*typical.values(), strict=True))


def _of_size(tensors: Tensors, size: int) -> Tensors:
    return {name: np.resize(array, (size, *array.shape[1:])) for name, array in tensors.items()}
