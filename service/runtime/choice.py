"""Choosing a backend by measuring: as fast as can be among those that agree. Without TensorFlow."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from model.examples import Tensors
from service.backends import AS_SAVED, Answers, Backend, BackendName, Candidates, Preparing, UnusableError
from service.runtime.agreement import Agreement, reason_of

logger = logging.getLogger("bifocal")

LARGE_SIZES = (16, 8)  # examples of a large batch: the first that takes no longer than `SLOW_S`
MAX_SMALL = 4  # examples: between the two, where one is no better a guess than the other
SLOW_S = 0.5  # a model that would take longer for any large batch keeps those as it was saved
ROUNDS = 15
CLEAR_ROUNDS = 5  # are enough if one was the fastest in each; of two that are alike, one is once in 16 times
CLEAR_S = 0.5  # that they have to last, or what disturbs the machine may be the same in all
LEAST_ROUNDS = 3  # fewer, of which one may be disturbed, are no reason to choose the same another time
MAKING_S = 4.0  # no further backend is made then
ENOUGH_S = 5.0  # of everything: no further round is begun then
GRACE_S = 1.0  # for `LEAST_ROUNDS`
# So many times as fast as the model as it was saved it has to be: less may be the noise of a busy machine.
CLEARLY = 1.1
BY_FAR = 1.5  # so much is not the noise of a round or two either
HOPELESS_ROUNDS = 2  # after which those that are by far the slower in each are timed no more
# For each backend the seconds of a call with a batch of each size.
Times = dict[BackendName, tuple[float, ...]]


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
    return small if small is large else _BySize(small, large)


class _BySize:
    def __init__(self, small: Backend, large: Backend) -> None:
        self._small = small
        self._large = large

    def __call__(self, tensors: Tensors) -> Answers:
        return (self._small if _size(tensors) <= MAX_SMALL else self._large)(tensors)

    def prepare(self, tensors: Tensors) -> None:
        one = self._small if _size(tensors) <= MAX_SMALL else self._large
        if isinstance(one, Preparing):
            one.prepare(tensors)


def _size(tensors: Tensors) -> int:
    return len(next(iter(tensors.values())))


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
    alone_s = min(_seconds(partial(saved, one), clock) for _ in range(3))
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
            hangs_on_weights |= is_expected
            has_failed |= not is_expected
        else:
            usable[name] = backend
    times, failed = _timed(usable, batches, clock=clock, until=begun + ENOUGH_S) if len(usable) > 1 else ([], {})
    refused |= failed
    has_failed |= bool(failed)
    seconds = _medians(times)
    small = _fastest(seconds, 0)
    large = _fastest(seconds, 1) if len(batches) > 1 else AS_SAVED
    # Another time may do for all; but no load is to take that long again if something faster is found already.
    is_done = not is_cut_short or (small, large) != (AS_SAVED, AS_SAVED)
    is_sure = len(seconds) < 2 or len(times) >= LEAST_ROUNDS or _is_by_far(seconds)
    is_lasting = is_done and not has_failed and is_sure
    choice = Choice(small, large, sizes, seconds, refused, is_lasting, hangs_on_weights)
    return choice, by_size(usable[small], usable[large])


def _timed(
    backends: Mapping[BackendName, Backend], batches: list[Tensors], *, clock: Callable[[], float], until: float
) -> tuple[list[Times], dict[BackendName, str]]:
    """Round by round the seconds of a call of each backend with each batch, measured in turn; and why which failed."""
    rounds: list[Times] = []
    failed: dict[BackendName, str] = {}
    hopeless: set[BackendName] = set()
    started = clock()
    while len(rounds) < ROUNDS:
        begun = clock()
        taken: Times = {}
        for name, backend in backends.items():
            if name in failed or name in hopeless:
                continue
            try:
                taken[name] = tuple(_seconds(partial(backend, batch), clock) for batch in batches)
            except Exception as error:
                if name == AS_SAVED:
                    raise
                logger.info("backend %s can't be used: %s", name, error, exc_info=True)
                failed[name] = reason_of(error)
        rounds.append(taken)
        if len(rounds) >= HOPELESS_ROUNDS:
            hopeless |= _hopeless(_without(failed, rounds))
        now = clock()
        if len(rounds) >= CLEAR_ROUNDS and now - started >= CLEAR_S and _is_clear(_without(failed, rounds)):
            break
        is_late = now > until
        has_grace = len(rounds) < LEAST_ROUNDS and now + (now - begun) <= until + GRACE_S
        if is_late and not has_grace:
            break
    return _without(failed, rounds), failed


def _without(failed: Container[str], rounds: list[Times]) -> list[Times]:
    return [{name: taken for name, taken in one.items() if name not in failed} for one in rounds]


def _hopeless(rounds: list[Times]) -> set[BackendName]:
    """Those that were slower by far than another in every round, with batches of each size."""
    return {
        name
        for name in rounds[0]
        if all(
            one[name][place] >= BY_FAR * min(times[place] for times in one.values())
            for one in rounds
            if name in one
            for place in range(len(one[name]))
        )
    }


def _is_clear(rounds: list[Times]) -> bool:
    """Whether with batches of each size one was the fastest in every round, and clearly so by the median."""
    medians = _medians(rounds)
    for place in range(len(next(iter(medians.values())))):
        fastest, *others = sorted(medians, key=lambda name: medians[name][place])
        if others and medians[others[0]][place] / medians[fastest][place] < CLEARLY:
            return False
        if any(one[fastest][place] >= one[name][place] for one in rounds for name in others if name in one):
            return False
    return True


def _medians(times: list[Times]) -> Times:
    """Over the rounds that each was in."""
    found = {name: [one[name] for one in times if name in one] for name in (times[0] if times else ())}
    return {name: tuple(map(statistics.median, zip(*taken, strict=True))) for name, taken in found.items()}


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    started = clock()
    work()
    return clock() - started


def _fastest(seconds: Mapping[BackendName, tuple[float, ...]], place: int) -> BackendName:
    if not seconds:
        return AS_SAVED
    fastest = min(seconds, key=lambda name: seconds[name][place])
    return fastest if seconds[AS_SAVED][place] / seconds[fastest][place] >= CLEARLY else AS_SAVED


def _is_by_far(seconds: Mapping[BackendName, tuple[float, ...]]) -> bool:
    """Whether the model as it was saved is far behind, with batches of each size."""
    return all(saved / min(others) >= BY_FAR for saved, *others in zip(*seconds.values(), strict=True))


def _of_size(tensors: Tensors, size: int) -> Tensors:
    return {name: np.resize(array, (size, *array.shape[1:])) for name, array in tensors.items()}
