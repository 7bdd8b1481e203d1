"""Training beside stock Keras and PyTorch: `python -m benchmarks.training_peers [SIDE ...]`, 64 and 128 px unless told.

The default model for a picture and a text, default batch size, AdamW with clipped gradients and a moving average of
the weights, a copy of the head on each branch; the same number of weights, the same examples, all cores. Each program
has a process and libraries of its own, and they take turns of an epoch; the others stand still meanwhile. PyTorch is
installed by pip into an environment of its own at the first run.

Tuned for the peers: tokens are cut before (ours does it in the step); none withholds inputs and drops tokens (ours
does); Keras is also run with oneDNN's kernels, with and without XLA, and with the pool before the normalization as
ours has it; PyTorch channels-last with AdamW and average fused, in float32 and bfloat16, with and without
`torch.compile`, in both orders. Of those settings the fastest in a turn before counts. Tuned for ours: nothing but
what `fit` does by default.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.arguments import numbers
from benchmarks.environment import python_with
from benchmarks.interleaved import ROUNDS, tell
from benchmarks.turns import Peer

SIDES = (64, 128)
STEPS = {64: 40, 128: 16}
TORCH = ("torch==2.13.0", "numpy")
PACKAGE = "benchmarks.training_peers"
Item = TypeVar("Item")
HOPELESS = 0.25  # of the best; a setting that is slower is not looked at again
ONEDNN = {"TF_ENABLE_ONEDNN_OPTS": "1"}


@dataclass(frozen=True)
class Contestant:
    """A peer's settings.

    Args:
        title: of the program.
        peer: the program.
        names: candidates of it, of which the fastest counts.
    """

    title: str
    peer: Peer
    names: tuple[str, ...]

    def chosen(self) -> tuple[str, str]:
        """The name of the fastest, each after a turn to warm up; and it with the title."""
        if len(self.names) == 1:
            self.peer.rate(self.names[0])
            return self.names[0], self.title
        found: dict[str, float] = {}
        for name in self.names:
            plain = name.split(",")[0]
            if found.get(plain, math.inf) < HOPELESS * max(found.values(), default=0.0):
                continue  # compiling what is so slow takes minutes
            found[name] = self.peer.rate(name)
            if name != plain or found[name] >= HOPELESS * max(found.values()):
                found[name] = self.peer.rate(name)
        told = ", ".join(f"{name} {rate:,.0f}" for name, rate in found.items())
        print(f"  {self.title}: {told} examples/s before", flush=True)
        best = max(found, key=found.__getitem__)
        return best, f"{self.title}, {best}"


def contest(side_px: int, torch_python: str, rounds: int = ROUNDS) -> None:
    """Prints the comparison at one size."""
    with tempfile.TemporaryDirectory(prefix="bifocal-") as folder, ExitStack() as stack:

        def peer(python: str, module: str, *arguments: str, onednn: bool = False) -> Peer:
            command = [python, "-m", f"{PACKAGE}.{module}", folder, *arguments]
            return stack.enter_context(Peer(command, ONEDNN if onednn else None))

        here = sys.executable
        ours = peer(here, "ours", str(side_px), str(STEPS.get(side_px, 10)), onednn=True)
        as_written = peer(here, "keras_peer", "norm")
        keras = {order: peer(here, "keras_peer", order, onednn=True) for order in ("norm", "pool")}
        torch = {order: peer(torch_python, "torch_peer", order) for order in ("norm", "pool")}
        print(f"\n{side_px}x{side_px} pictures; weights that train: " + ", ".join(
            f"{what} {one.facts['parameters']:,}"
            for what, one in {"ours": ours, "Keras": as_written, "PyTorch": torch["pool"]}.items()
        ))  # fmt: skip
        versions = f"PyTorch {torch['pool'].facts['version']}, Keras {as_written.facts['version']}"
        print(f"  {versions}; TF_ENABLE_ONEDNN_OPTS of Keras as it comes: {as_written.facts['oneDNN']}")
        orders = {"norm": "norm, ReLU, pool", "pool": "pool, norm, ReLU"}
        contestants = [
            Contestant(f"Keras as it comes, {orders['norm']}", as_written, ("no XLA",)),
            *(Contestant(f"Keras, {orders[order]}", one, ("no XLA", "XLA")) for order, one in keras.items()),
            *(Contestant(f"PyTorch, {orders[order]}", one, tuple(one.names)) for order, one in torch.items()),
            Contestant("ours, bare step", ours, ("step",)),
            Contestant("ours, fit", ours, ("fit",)),
        ]
        chosen = {one: one.chosen() for one in contestants}
        rates: dict[str, list[float]] = {title: [] for _, title in chosen.values()}
        waiting = []
        for number in range(rounds):
            for one, (name, title) in turned(list(chosen.items()), number):
                rates[title].append(one.peer.rate(name))
            waiting.append(ours.rate("waiting"))
    tell(f"Training at {side_px}x{side_px} px", rates, unit="examples")
    print(f"  fit waited for input {statistics.median(waiting):.1%} of the time of its steps", flush=True)


def turned(items: list[Item], by: int) -> list[Item]:
    """Beginning with another one, so that none is always the first of a round."""
    place = by % len(items)
    return items[place:] + items[:place]


def main(sides: list[int]) -> None:
    """Prints all comparisons."""
    torch_python = python_with("torch", *TORCH)
    for side_px in sides:
        contest(side_px, torch_python)


if __name__ == "__main__":
    main(numbers(__doc__, "SIDE", SIDES, least=16))
