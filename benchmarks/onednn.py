"""TensorFlow's own kernels (Eigen) against oneDNN's: training steps and answers of the default model.

python -m benchmarks.onednn                     (2 minutes)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.interleaved import ROUNDS, tell
from benchmarks.turns import Peer, take_turns, timed
from model.kernels import VARIABLE

TITLES = {"train": "Training steps", "answer": "Answers"}
SIDES_PX = (64, 128)
BATCH = 32
STEPS = 6


def worker(side_px: int) -> None:
    """What takes turns: steps and answers by the kernels that the environment says."""
    from benchmarks.default_network import Trial

    trial = Trial(side_px=side_px, batch_size=BATCH)

    def some(work: Callable[[], None]) -> Callable[[], int]:
        def run() -> int:
            for _ in range(STEPS):
                work()
            return STEPS * BATCH

        return run

    take_turns({"train": timed(some(trial.train)), "answer": timed(some(trial.answer))}, facts={})


def main() -> None:
    """Prints a comparison for each kind of work and size."""
    for side_px in SIDES_PX:
        with ExitStack() as stack:
            command = [sys.executable, "-m", "benchmarks.onednn", str(side_px)]
            kernels = {
                name: stack.enter_context(Peer(command, {VARIABLE: value}))
                for name, value in {"Eigen": "0", "oneDNN": "1"}.items()
            }
            for work, title in TITLES.items():
                for peer in kernels.values():
                    peer.rate(work)
                rates: dict[str, list[float]] = {name: [] for name in kernels}
                for _ in range(ROUNDS):
                    for name, peer in kernels.items():
                        rates[name].append(peer.rate(work))
                tell(f"{title} of the default network, {side_px} px, batches of {BATCH}", rates, unit="examples")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        worker(int(sys.argv[1]))
    else:
        main()
