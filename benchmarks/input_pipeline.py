"""The way of the data to the step: decoding, waiting for batches, resident memory.

    python -m benchmarks.input_pipeline [ROWS ...]

On generated rows, 20,000 and 200,000 unless told otherwise; each number of rows in a process of its own. The default
recipe reads a picture of 16x16 and a caption of six words. The folder with the pictures (1 GB for 200,000 rows, 3 with
their cache) is deleted in the end.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.arguments import numbers
from benchmarks.decode import by_hand, photo
from benchmarks.decoders.candidates import Picture
from benchmarks.decoders.with_pillow import DRAFTED, ways
from benchmarks.interleaved import compare
from model.spec import ImageInput
from training.cache import decoded
from training.cache.decoding import cores

ROWS = (20_000, 200_000)
PHOTOS = 4000
SIDE_PX = 16
WARM_UP_STEPS, STEPS = 20, 150
LEAST_ROWS = 10_000  # of which so many batches can be made
WORDS = [f"word{number}" for number in range(2000)]


def first_epoch(folder: Path) -> None:
    """Prints how fast photos are decoded that the cache does not have."""
    data = photo(640, 480)
    paths = [folder / f"{number:05}.jpg" for number in range(PHOTOS)]
    for number, path in enumerate(paths):
        path.write_bytes(data + number.to_bytes(4, "big"))  # one after its end, so that no two are the same file
    caches = (folder / f"cache-{number}" for number in range(10**6))

    def pillow(decode: Callable[[bytes], object]) -> Callable[[], int]:
        def run() -> int:
            with ThreadPoolExecutor(cores()) as pool:
                return sum(1 for _ in pool.map(lambda path: decode(path.read_bytes()), paths))

        return run

    def ours(processes: int) -> Callable[[], int]:
        def run() -> int:
            image = ImageInput(height=128, width=128)
            options = {"max_pixels": 10**6, "progress": lambda *_: None, "processes": processes}
            return len(decoded(paths, image, directory=next(caches), **options))

        return run

    candidates = {
        "Pillow by hand, whole, threads": pillow(by_hand),
        f"{DRAFTED}, threads": pillow(ways(Picture("640x480", 640, 480, 128, 96, turns=1))[DRAFTED]),
        f"cache, {cores()} processes": ours(cores()),
        f"cache, {cores()} threads": ours(0),
    }
    title = f"First epoch: {PHOTOS} JPEGs of 640x480 to 128x128 on {cores()} cores"
    compare(title, candidates, unit="pictures", rounds=3)


def generate(folder: Path, rows: int) -> Path:
    """A manifest with that many pictures, all different."""
    random = np.random.default_rng(0)
    stream = io.BytesIO()
    Image.new("RGB", (SIDE_PX, SIDE_PX)).save(stream, "BMP")
    header = stream.getvalue()[: -SIDE_PX * SIDE_PX * 3]
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["image", "text", "label"])
        for row in range(rows):
            name = f"{row // 1000:04}/{row:07}.bmp"
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(header + random.bytes(SIDE_PX * SIDE_PX * 3))
            words = [WORDS[index] for index in random.integers(0, len(WORDS), 6)]
            writer.writerow([name, " ".join(words), f"label {row % 10}"])
    return manifest


def resident_mib() -> float:
    """Memory of this process that is in RAM, mapped files included."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measured(folder: Path, rows: int) -> dict[str, float]:
    """Prepares the rows, takes all batches of an epoch, and then some with a step after each."""
    import resource

    import tensorflow as tf
    from rich.console import Console

    from model.build import build
    from model.encoder import Encoder
    from model.rebuild import vocabulary_sizes
    from model.text import learn_vocabulary, needs_vocabulary
    from training import recipe_columns
    from training.augment_settings import AugmentSettings
    from training.objective import Objective
    from training.optimisation import Optimisation
    from training.pipeline import Prefetched, shuffled
    from training.prepare import prepare
    from training.progress import Reporter

    manifest = generate(folder, rows)
    recipe = recipe_columns.from_columns(
        manifest, name="bench", image=["image"], text=["text"], tags=[], label=["label"]
    )
    started = time.perf_counter()
    data = prepare(recipe, cache_dir=folder / "cache", reporter=Reporter(Console(file=io.StringIO())))
    found = {"prepared_s": time.perf_counter() - started}

    started = time.perf_counter()
    prepare(recipe, cache_dir=folder / "cache", reporter=Reporter(Console(file=io.StringIO())))
    found["again_s"] = time.perf_counter() - started

    spec, settings, files = data.recipe.spec, data.recipe.training, {}
    for name, branch in spec.token_branches.items():
        if needs_vocabulary(branch):
            source = next(view.input for view in spec.views if view.branch == name)
            vocabulary = learn_vocabulary(branch, spec.inputs[source], data.train.texts_of(source))
            files[name] = folder / f"{name}.txt"
            files[name].write_text("\n".join(vocabulary) + "\n")
    encoder, network = Encoder(spec, files), build(spec, vocabulary_sizes(files))
    optimisation = Optimisation(network, encoder, Objective(spec, data.train.targets), settings, steps_per_epoch=1000)

    def batches(augment: AugmentSettings, seed: int) -> Prefetched:
        rate = settings.absent_rate
        return Prefetched(shuffled(data.train, settings.batch_size, absent_rate=rate, seed=(0, seed), augment=augment))

    def constants(arrays: dict[str, np.ndarray]) -> dict[str, tf.Tensor]:
        return {name: tf.constant(array) for name, array in arrays.items()}

    everything = AugmentSettings(
        flip=0.5, shift=0.1, zoom=0.1, rotation=15, colour=0.2, erasing=0.25, word_dropout=0.1, word_swap=0.1
    )
    for what, augment in {"plain": settings.augment, "varied": everything}.items():
        with batches(augment, seed=1) as ready:
            for batch, targets in islice(ready, WARM_UP_STEPS):
                optimisation.step(constants(batch), constants(targets))
            started, waited, steps = time.perf_counter(), ready.waited_s, 0
            for batch, targets in islice(ready, STEPS):
                optimisation.step(constants(batch), constants(targets))
                steps += 1
            took = time.perf_counter() - started
            found[f"{what}_step_ms"] = took / steps * 1000
            found[f"{what}_waiting"] = (ready.waited_s - waited) / took
    started, taken = time.perf_counter(), 0
    with batches(settings.augment, seed=2) as ready:
        for _, targets in ready:
            taken += len(targets["label"])
    found["examples_per_s"] = taken / (time.perf_counter() - started)
    found["resident_mib"] = resident_mib()
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def main(sizes: list[int]) -> None:
    """Prints all comparisons."""
    with tempfile.TemporaryDirectory(prefix="bifocal-") as folder:
        first_epoch(Path(folder))
    print("\nPreparing, batches and memory with the default recipe")
    found: dict[int, dict[str, float]] = {}
    for rows in sizes:
        with tempfile.TemporaryDirectory(prefix="bifocal-") as folder:
            command = [sys.executable, "-m", "benchmarks.input_pipeline", "--measure", str(rows), folder]
            run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
        found[rows] = one = json.loads(run.stdout.splitlines()[-1])
        print(
            f"  {rows:>9,} rows: prepared in {one['prepared_s']:.0f} s, again in {one['again_s']:.0f} s; "
            f"{one['examples_per_s']:,.0f} examples/s without a step\n"
            f"    waiting {one['plain_waiting']:.1%} of {one['plain_step_ms']:.0f} ms a step; with every kind of "
            f"augmentation {one['varied_waiting']:.1%} of {one['varied_step_ms']:.0f} ms\n"
            f"    resident {one['resident_mib']:,.0f} MiB in training, {one['peak_mib']:,.0f} MiB at most",
            flush=True,
        )
    first, last = found[sizes[0]], found[sizes[-1]]
    print(
        f"  {sizes[-1]:,} rows by {sizes[0]:,}: resident {last['resident_mib'] / first['resident_mib']:.2f} x, "
        f"at most {last['peak_mib'] / first['peak_mib']:.2f} x"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measured(Path(sys.argv[3]), int(sys.argv[2]))))
    else:
        main(numbers(__doc__, "ROWS", ROWS, least=LEAST_ROWS))
