"""The default model against each modality alone and against what those two say together without having been merged.

python -m benchmarks.defaults                     # OpenMoji, its names, 11 groups: about 10 minutes on 2 cores
python -m benchmarks.defaults shop.csv --image photo --text title --label category --split split
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from model.spec import ModelSpec
from training.accuracy import accuracy
from training.epoch import Listener
from training.fit import learn_vocabularies
from training.modalities import modalities
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.recipe_columns import from_columns
from training.reuse import Reuse
from training.runs import Run
from training.trained import train_spec

OPENMOJI = Path(__file__).parents[2] / "shared" / "data" / "openmoji" / "manifest.csv"

Probabilities = dict[str, NDArray[np.float64]]


def probabilities(spec: ModelSpec, data: Prepared, vocabularies: Mapping[str, Path], *, of: str) -> Probabilities:
    """Trains a spec; for each head what it says of the rows of a split, float64 (rows, classes)."""
    listener = Listener(step=lambda *_: None, epoch=lambda *_: None)
    trained = train_spec(spec, data, vocabularies, listener)
    told = trained.probabilities(getattr(data, of).only(spec))
    return {head: values.astype(np.float64) for head, values in told.items()}


def compared(data: Prepared, vocabularies: Mapping[str, Path], *, of: str) -> dict[str, float]:
    """Accuracies on a split: merged, each modality alone, and the average and the product of those; and the seconds
    that training the merged model took."""
    spec = data.recipe.spec
    (name, head) = next(iter(spec.heads.items()))
    started = time.perf_counter()
    found = {"merged": probabilities(spec, data, vocabularies, of=of)[name]}
    seconds = time.perf_counter() - started
    alone = [probabilities(spec.only(inputs), data, vocabularies, of=of)[name] for inputs in modalities(spec).values()]
    found |= {f"the {modality} alone": one for modality, one in zip(modalities(spec), alone, strict=True)}
    found["their average"] = np.mean(alone, axis=0)
    found["their product"] = np.exp(np.mean(np.log(np.maximum(alone, 1e-12)), axis=0))
    targets = getattr(data, of).targets[name]
    return {what: accuracy(head, values, targets) for what, values in found.items()} | {"seconds": seconds}


def main() -> None:
    """Prints a line for each seed and the mean of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", nargs="?", type=Path, default=OPENMOJI)
    parser.add_argument("--image", default="image")
    parser.add_argument("--text", default="annotation")
    parser.add_argument("--tags", action="append", default=[])
    parser.add_argument("--label", default="label")
    parser.add_argument("--split", default="suggested_split")
    parser.add_argument("--of", choices=["val", "test"], default="test", help="the split that is judged by")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    given = parser.parse_args()
    recipe = from_columns(
        given.manifest.absolute(),
        name="defaults",
        image=[given.image],
        text=[given.text],
        tags=given.tags,
        label=[given.label],
        split=given.split,
    )
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        for seed in range(given.seeds):
            changes = {"seed": seed, **({"epochs": given.epochs} if given.epochs else {})}
            data = prepare(
                recipe.replace(training=changes), cache_dir=home / "cache", reporter=Reporter(Console(quiet=True))
            )
            vocabularies = learn_vocabularies(data, Run.create(home, f"seed-{seed}"), Reuse(None))
            lines.append(compared(data, vocabularies, of=given.of))
            print(f"seed {seed}: " + ", ".join(f"{what} {value:.3f}" for what, value in lines[-1].items()), flush=True)
    print(
        f"mean of {given.seeds}: "
        + ", ".join(f"{what} {np.mean([line[what] for line in lines]):.3f}" for what in lines[0])
    )


if __name__ == "__main__":
    main()
