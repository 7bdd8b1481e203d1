"""The arithmetic of the training steps: float32, or bfloat16 where TensorFlow's graph optimizer finds it harmless.

The weights stay float32. Convolutions and matrix products, with what is between them, are computed in bfloat16 with
float32 sums (Kalamkar 2019, arXiv:1905.12322), which has float32's range, so that the loss needs no scaling. CPUs with
units for it train faster; others slower. docs/training.md has what was measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from model.graph_options import called_with, in_bfloat16
from training.training_settings import Precision

WARMUP_STEPS = 2  # the first ones trace and optimize the graph
TIMED_STEPS = 12
ENOUGH_S = 15.0  # no further steps are timed then, if there are three
# bfloat16 has to be so many times as fast to be taken: less may be the noise of a busy machine.
CLEARLY = 1.15


def arithmetic(precision: Precision) -> AbstractContextManager[None]:
    """Compiled functions that this thread calls within compute by this precision."""
    return called_with(in_bfloat16(precision == "bfloat16"))


@dataclass(frozen=True)
class Trial:
    """What a trial measured.

    Args:
        step_s: median seconds of a step, by precision.
    """

    step_s: dict[Precision, float]

    @property
    def chosen(self) -> Precision:
        """The precision to train with."""
        return "bfloat16" if self.step_s["float32"] / self.step_s["bfloat16"] >= CLEARLY else "float32"

    def __str__(self) -> str:
        slow, fast = (1000 * self.step_s[one] for one in ("float32", "bfloat16"))
        return f"precision: {self.chosen} (a step takes {slow:.1f} ms in float32, {fast:.1f} ms in bfloat16)"


def trial(steps: Mapping[Precision, Callable[[], object]], *, clock: Callable[[], float] = time.perf_counter) -> Trial:
    """Times steps of both precisions in turn, so that a machine that grows busy slows both.

    Args:
        steps: for each precision what makes one step on a batch.
        clock: gives seconds.
    """
    names: tuple[Precision, ...] = ("float32", "bfloat16")
    taken: dict[Precision, list[float]] = {name: [] for name in names}
    for number in range(WARMUP_STEPS + TIMED_STEPS):
        if sum(map(sum, taken.values())) > ENOUGH_S and len(taken["float32"]) >= 3:
            break
        for name in names:
            with arithmetic(name):
                started = clock()
                steps[name]()
                if number >= WARMUP_STEPS:
                    taken[name].append(clock() - started)
    return Trial({name: statistics.median(times) for name, times in taken.items()})
