"""What each backend costs and changes, on a model and a table of one's own: speed, agreement with float32, accuracy.

python -m benchmarks.backends models/shop/3 listings.csv --label category --where split=test        (1 minute)

The table's columns are called as the model's inputs are; paths of pictures are relative to the table. Backends are
timed in turn, as the service calls them, pictures decoded before; all are in memory at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
from benchmarks.interleaved import compare
from model.bundle import Bundle
from model.errors import BundleError, ManifestError
from model.examples import DecodedExample, decode
from model.spec import SingleLabelHead
from model.validation import nearest
from service import runtime
from service.backends import AS_SAVED, BackendName
from service.scoring.columns import columns_of
from service.scoring.manifest import open_manifest
from service.scoring.reader import Reader
from service.scoring.scored import Bad
from service.settings import Settings
from service.threads import Threads

BATCHES = (1, 4, 16, 32)
SCORED_AT_ONCE = 32


@dataclass(frozen=True)
class Asked:
    """Rows of a table.

    Args:
        examples: their inputs.
        labels: their cells of the label's column; none if that isn't known.
    """

    examples: Sequence[DecodedExample]
    labels: Sequence[str]


def read(bundle: Bundle, given: argparse.Namespace) -> Asked:
    """The rows that were asked for; ends the program if there are none, or one can't be read."""
    where = dict(one.partition("=")[::2] for one in given.where)
    try:
        manifest = open_manifest(given.table)
        for name in (*where, *([given.label] if given.label else [])):
            if name not in manifest.columns:
                raise ManifestError(f"{given.table} has no column {name!r}{nearest(name, manifest.columns)}")
        columns = columns_of(bundle.spec, manifest.columns, {}, name=given.table.name)
    except (ManifestError, OSError) as error:
        sys.exit(f"error: {error}")
    reader = Reader(bundle.spec, columns, given.table.parent)
    examples, labels = [], []
    for row in manifest.rows():
        if any(row.cells.get(name) != value for name, value in where.items()):
            continue
        example = reader.read(row)
        if isinstance(example, Bad):
            sys.exit(f"error: {given.table}, row {row.number}: {example.reason}")
        examples.append(decode(bundle.spec, example))
        labels.append(row.cells[given.label] if given.label else "")
    if not examples:
        sys.exit(f"error: no row of {given.table} has {' and '.join(given.where) or 'anything in it'}")
    return Asked(examples, labels if given.label else ())


def answers(served: runtime.Runtime, head: str, examples: Sequence[DecodedExample]) -> NDArray[np.float32]:
    """The probabilities of a head, float32 (rows, labels)."""
    found = []
    for start in range(0, len(examples), SCORED_AT_ONCE):
        found += [one[head] for one in served.predict(examples[start : start + SCORED_AT_ONCE])]
    return np.stack(found)


def tell_changes(
    head: str, about: SingleLabelHead, backends: Mapping[BackendName, runtime.Runtime], asked: Asked
) -> None:
    """Prints how far the answers of each backend are from those of the model as it was saved."""
    expected = answers(backends[AS_SAVED], head, asked.examples)
    is_label = set(asked.labels) <= set(about.labels)
    right = [about.labels.index(one) for one in asked.labels] if asked.labels and is_label else None
    print(f"\n{len(expected)} rows, head {head!r}: how far from the model as it was saved")
    for name, served in backends.items():
        found = answers(served, head, asked.examples)
        difference = np.abs(found - expected).max(axis=1)
        changed = int((found.argmax(axis=1) != expected.argmax(axis=1)).sum())
        accuracy = "" if right is None else f", accuracy {np.mean(found.argmax(axis=1) == right):.3f}"
        print(
            f"  {name:<20} probabilities {difference.mean():.5f} on average, {difference.max():.4f} at most; "
            f"{changed} other labels{accuracy}"
        )


def main() -> None:
    """Prints what each backend changes, then how fast they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="a version of a model: models/shop/3")
    parser.add_argument("table", type=Path, help="a CSV file: listings.csv")
    parser.add_argument("--label", help="column of the right answers: --label category")
    parser.add_argument("--where", nargs="*", default=[], metavar="COLUMN=VALUE", help="rows to take: split=test")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("BIFOCAL_")]:
        del os.environ[name]  # the defaults are measured
    bundle = Bundle(given.bundle)
    asked = read(bundle, given)
    threads = Threads.chosen(Settings())
    runtime.prepare(intra_op=threads.intra_op, inter_op=threads.inter_op)
    backends: dict[BackendName, runtime.Runtime] = {}
    for name in get_args(BackendName):
        try:
            chooser = runtime.Chooser(name)
            backends[name] = runtime.Runtime(bundle, chooser, calls=threads.model, threads=threads.intra_op)
        except BundleError as error:
            print(f"{name}: {error}")
    for head, about in bundle.spec.heads.items():
        if isinstance(about, SingleLabelHead):
            tell_changes(head, about, backends, asked)

    def calls(served: runtime.Runtime, batch: int) -> Callable[[], int]:
        some = [asked.examples[number % len(asked.examples)] for number in range(batch)]

        def work() -> int:
            for _ in range(max(1, 64 // batch)):
                served.predict(some)
            return max(1, 64 // batch) * batch

        return work

    for batch in BATCHES:
        compare(
            f"Batches of {batch}", {name: calls(served, batch) for name, served in backends.items()}, unit="examples"
        )


if __name__ == "__main__":
    main()
