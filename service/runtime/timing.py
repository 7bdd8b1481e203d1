"""Backends timed in turn, round by round. Without TensorFlow."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Callable, Container, Mapping
from functools import partial

from model.examples import Tensors
from service.backends import AS_SAVED, Backend, BackendName
from service.runtime.agreement import reason_of

logger = logging.getLogger("bifocal")

ROUNDS = 15
CLEAR_ROUNDS = 5  # are enough if one was the fastest in each; of two that are alike, one is once in 16 times
CLEAR_S = 0.5  # that they have to last, or what disturbs the machine may be the same in all
LEAST_ROUNDS = 3  # fewer, of which one may be disturbed, are no reason to choose the same another time
GRACE_S = 1.0  # for `LEAST_ROUNDS`
# So many times as fast as the model as it was saved it has to be: less may be the noise of a busy machine.
CLEARLY = 1.1
BY_FAR = 1.5  # so much is not the noise of a round or two either
HOPELESS_ROUNDS = 2  # after which those that are by far the slower in each are timed no more
# For each backend the seconds of a call with a batch of each size.
Times = dict[BackendName, tuple[float, ...]]


def timed(
    backends: Mapping[BackendName, Backend], batches: list[Tensors], *, clock: Callable[[], float], until: float
) -> tuple[list[Times], dict[BackendName, str]]:
    """Calls each backend with each batch in turn, until it is clear which is the fastest, or the time is over.

    Args:
        backends: the model as it was saved among them.
        batches: one of each size.
        clock: gives seconds.
        until: by that clock; no further round is begun then, but for those that few would be without.

    Returns:
        The times of each round, of those that could still be the fastest in it; and why which failed, which is in none.

    Raises:
        Exception: whatever the model as it was saved raises.
    """
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
                taken[name] = tuple(seconds_of(partial(backend, batch), clock) for batch in batches)
            except Exception as error:
                if name == AS_SAVED:
                    raise
                logger.info("backend %s can't be used: %s", name, error, exc_info=True)
                failed[name] = reason_of(error)
        rounds.append(taken)
        if len(rounds) >= HOPELESS_ROUNDS:
            hopeless = _hopeless(_without(failed, rounds))  # anew, as the one that was better may have failed
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
    if not rounds[-1]:  # the only one that was left has failed; the others come back
        return False
    typical = medians(competing(rounds))
    for place in range(len(next(iter(typical.values())))):
        fastest, *others = sorted(typical, key=lambda name: typical[name][place])
        if others and typical[others[0]][place] / typical[fastest][place] < CLEARLY:
            return False
        both = (
            (one[fastest][place], one[name][place])
            for one in rounds
            for name in others
            if {fastest, name} <= one.keys()
        )
        if any(best >= other for best, other in both):
            return False
    return True


def competing(rounds: list[Times]) -> list[Times]:
    """The rounds without those that were not in the last one: their few may have been the quietest."""
    return [{name: taken for name, taken in one.items() if name in rounds[-1]} for one in rounds]


def medians(rounds: list[Times]) -> Times:
    """Of each backend over the rounds that it was in."""
    found = {name: [one[name] for one in rounds if name in one] for name in (rounds[0] if rounds else ())}
    return {name: tuple(map(statistics.median, zip(*taken, strict=True))) for name, taken in found.items()}


def seconds_of(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """How long a call takes."""
    started = clock()
    work()
    return clock() - started
