"""How long one example takes, of several models by turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

WARM_UP = 5
TURNS = 60


def milliseconds(
    models: Mapping[str, Callable[[], object]],
    *,
    turns: int = TURNS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """The median time of each model.

    Machines slow down and speed up while one measures; taking turns spreads that over all models alike.

    Args:
        models: by name; each answers one example when called.
        turns: that each model gets, after some to warm up.
        clock: gives seconds.
    """
    for answer in models.values():
        for _ in range(WARM_UP):
            answer()
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(turns):
        for name, answer in models.items():
            started = clock()
            answer()
            times[name].append(clock() - started)
    return {name: 1000 * statistics.median(found) for name, found in times.items()}
