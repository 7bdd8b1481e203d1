"""TensorFlow's own kernels (Eigen) against oneDNN's: training steps and answers of the default model.

python -m benchmarks.onednn
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from benchmarks.interleaved import compare
from model.kernels import VARIABLE

KINDS = ("train", "answer")
SIDES_PX = (64, 128)
BATCH = 32
STEPS = 6


class Process:
    """A process that computes some batches whenever it is asked to.

    Args:
        onednn: whether by oneDNN.
        kind: `train` makes training steps, `answer` asks the network.
        side_px: of the pictures.
    """

    def __init__(self, *, onednn: bool, kind: str, side_px: int) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (this file)
            [sys.executable, "-m", "benchmarks.onednn", kind, str(side_px)],
            env={**os.environ, VARIABLE: str(int(onednn))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def run(self) -> int:
        """Has it compute; the examples it did."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("The process has no pipes.")
        self._process.stdin.write("go\n")
        said = self._process.stdout.readline()
        if not said:
            raise RuntimeError(f"The process ended with {self._process.wait()}.")
        return int(said)

    def end(self) -> None:
        """Ends it."""
        self._process.communicate()


def worker(kind: str, side_px: int) -> None:
    """What such a process does: a number on standard output for each line on standard input."""
    from model.greeting import filtered

    with filtered():
        from benchmarks.default_network import Trial

    trial = Trial(side_px=side_px, batch_size=BATCH)
    steps: Callable[[], None] = trial.train if kind == "train" else trial.answer
    for _ in sys.stdin:
        for _ in range(STEPS):
            steps()
        print(STEPS * BATCH, flush=True)


def main() -> None:
    """Prints a comparison for each kind of work and size."""
    for kind in KINDS:
        for side_px in SIDES_PX:
            processes = {
                "Eigen": Process(onednn=False, kind=kind, side_px=side_px),
                "oneDNN": Process(onednn=True, kind=kind, side_px=side_px),
            }
            title = {"train": "Training steps", "answer": "Answers"}[kind]
            compare(
                f"{title} of the default model, {side_px} px, batches of {BATCH}",
                {name: process.run for name, process in processes.items()},
                unit="examples",
            )
            for process in processes.values():
                process.end()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        worker(sys.argv[1], int(sys.argv[2]))
    else:
        main()
