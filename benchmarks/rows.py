"""Time and memory of `fit` against rows: `python -m benchmarks.rows [ROWS ...]`, 5,000, 50,000 and 500,000 unless told.

The command itself, in a process of its own for each number: reads the table, decodes, checks, trains an epoch, tests
with intervals, exports, writes the report. Every row has a picture file of its own (16x16, drawn at random, as no two
share a place in the cache) and a caption of six words; the network is tiny, so that what is done for each row is most
of it. Time is to grow in proportion to rows, from what the command takes with hardly any; memory is to stay. 500,000
rows take 4 GB of disk meanwhile.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.arguments import numbers
from benchmarks.input_pipeline import SIDE_PX, generate
from benchmarks.processes import Tree

ROWS = (5_000, 50_000, 500_000)
SAMPLE_S = 0.2
SETTINGS = (
    f"spec.inputs.image.height={SIDE_PX}",
    f"spec.inputs.image.width={SIDE_PX}",
    "spec.branches.image.filters=[4]",
    "spec.branches.image.kernel_size=3",
    "spec.branches.image.units=8",
    "spec.branches.text.dimension=8",
    "spec.branches.text_spelling.dimension=8",
    "spec.branches.text_spelling.tokenizer.buckets=1000",
)
BATCH_SIZE = 256


@dataclass(frozen=True)
class Cost:
    """What a `fit` took.

    Args:
        rows: of the table.
        seconds: of the whole command.
        anonymous_mib: most memory that its processes held at a time, decoders too, mapped files left out.
        resident_mib: mapped files included.
    """

    rows: int
    seconds: float
    anonymous_mib: float
    resident_mib: float


def per_row_us(costs: Sequence[Cost]) -> list[float]:
    """Between each number of rows and the next, microseconds that a further row takes: alike if time is linear."""
    pairs = itertools.pairwise(costs)
    return [1e6 * (more.seconds - fewer.seconds) / (more.rows - fewer.rows) for fewer, more in pairs]


def per_row_bytes(costs: Sequence[Cost]) -> list[float]:
    """Likewise bytes of memory that a further row takes."""
    pairs = itertools.pairwise(costs)
    return [2**20 * (more.anonymous_mib - fewer.anonymous_mib) / (more.rows - fewer.rows) for fewer, more in pairs]


def cost(rows: int) -> Cost:
    """Runs `fit` on so many rows."""
    with tempfile.TemporaryDirectory(prefix="bifocal-") as name, ExitStack() as stack:
        folder = Path(name)
        manifest = generate(folder, rows)
        command = [str(Path(sys.executable).with_name("bifocal-training")), "fit", str(manifest), "--epochs", "1"]
        command += ["--image", "image", "--text", "text", "--label", "label", "--batch-size", str(BATCH_SIZE)]
        command += [part for setting in SETTINGS for part in ("--set", setting)]
        printed = folder / "printed.txt"
        with printed.open("w") as stream:
            started = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603  (our own command)
                command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
            stack.callback(process.wait)
            tree = Tree(process.pid)
            stack.callback(tree.end)
            anonymous, resident = 0.0, 0.0
            while process.poll() is None:
                now = tuple(one / 2**20 for one in tree.memory())
                anonymous, resident = max(anonymous, now[0]), max(resident, sum(now))
                time.sleep(SAMPLE_S)
            seconds = time.perf_counter() - started
        if process.returncode:
            raise RuntimeError(f"fit ended with exit code {process.returncode}:\n{printed.read_text()}")
    return Cost(rows, seconds, anonymous, resident)


def main(sizes: Sequence[int]) -> None:
    """Prints what each number of rows takes, and what a further row does."""
    print("\nfit against rows, all of it, a tiny network", flush=True)
    costs = []
    for rows in sizes:
        costs.append(one := cost(rows))
        print(
            f"  {rows:>9,} rows: {one.seconds:6.0f} s, {one.anonymous_mib:,.0f} MiB of memory at most "
            f"({one.resident_mib:,.0f} with mapped files)",
            flush=True,
        )
    for (fewer, more), us, size in zip(itertools.pairwise(costs), per_row_us(costs), per_row_bytes(costs), strict=True):
        print(f"  from {fewer.rows:,} to {more.rows:,}: {us:,.0f} us and {size:,.0f} bytes a further row")


if __name__ == "__main__":
    main(numbers(__doc__, "ROWS", ROWS, least=100))
