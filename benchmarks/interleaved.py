"""Comparing in one run: every candidate in turn, several rounds, medians, ratios to the first."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 7


def compare(
    title: str,
    candidates: Mapping[str, Callable[[], int]],
    *,
    unit: str,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Prints how fast each candidate is.

    Machines slow down and speed up while one measures; taking turns spreads that over all candidates alike.

    Args:
        title: what is compared.
        candidates: by name; each does its work once and returns how many units it did. The first one is the measure.
        unit: of the work.
        rounds: turns that each gets, after one to warm up.
        clock: gives seconds; `time.process_time` gives those of all cores that were used.
    """
    for work in candidates.values():
        work()
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, work in candidates.items():
            started = clock()
            done = work()
            rates[name].append(done / (clock() - started))
    tell(title, rates, unit=unit)


def tell(title: str, rates: Mapping[str, list[float]], *, unit: str) -> None:
    """Prints rates that were measured in turn.

    Args:
        title: what is compared.
        rates: by name, one a turn. The first one is the measure.
        unit: of the work.
    """
    first = next(iter(rates))
    print(f"\n{title} (median of {len(rates[first])} turns)")
    for name, found in rates.items():
        # The ratio of each turn, so that what slows a whole turn down cancels out.
        ratio = statistics.median(one / base for one, base in zip(found, rates[first], strict=True))
        print(f"  {name:<40} {statistics.median(found):>9,.0f} {unit}/s   {ratio:5.2f} x")
