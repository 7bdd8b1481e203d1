"""TensorFlow's own kernels (Eigen) against oneDNN's: training steps and answers of the default model.

python -m benchmarks.onednn                     (4 minutes)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import product

from benchmarks.interleaved import ROUNDS, tell
from benchmarks.turns import Peer, take_turns, timed
from model.kernels import VARIABLE

TITLES = {"train": "Training steps", "answer": "Answers"}
SIDES_PX = (64, 128)
WORK = {32: ("train", "answer"), 1: ("answer",)}  # by batch size
EXAMPLES = 192  # a turn


def worker(side_px: int, batch: int) -> None:
    """What takes turns: steps and answers by the kernels that the environment says."""
    from benchmarks.default_network import Trial

    trial = Trial(side_px=side_px, batch_size=batch)

    def some(work: Callable[[], None]) -> Callable[[], int]:
        def run() -> int:
            for _ in range(EXAMPLES // batch):
                work()
            return EXAMPLES

        return run

    take_turns({"train": timed(some(trial.train)), "answer": timed(some(trial.answer))}, facts={})


def main() -> None:
    """Prints a comparison for each kind of work and size."""
    for side_px, (batch, works) in product(SIDES_PX, WORK.items()):
        with ExitStack() as stack:
            command = [sys.executable, "-m", "benchmarks.onednn", str(side_px), str(batch)]
            kernels = {
                name: stack.enter_context(Peer(command, {VARIABLE: value}))
                for name, value in {"Eigen": "0", "oneDNN": "1"}.items()
            }
            for work in works:
                for peer in kernels.values():
                    peer.rate(work)
                rates: dict[str, list[float]] = {name: [] for name in kernels}
                for _ in range(ROUNDS):
                    for name, peer in kernels.items():
                        rates[name].append(peer.rate(work))
                title = f"{TITLES[work]} of the default network, {side_px} px, batches of {batch}"
                tell(title, rates, unit="examples")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        worker(*map(int, sys.argv[1:]))
    else:
        main()
