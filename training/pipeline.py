"""Examples as the training loop takes them: batches of the tensors that the exported signature takes too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.signature import presence_of
from model.spec import ModelSpec

Batch = dict[str, NDArray[np.generic]]
# Indices of the right labels, int32 (rows,); for a multi-label head which are right, bool (rows, classes).
Targets = NDArray[Any]


@dataclass(frozen=True)
class Examples:
    """Rows of a manifest, ready to be trained on.

    Args:
        pictures: for each image input uint8 (cached rows, height, width, 3), mapped from disk.
        texts: for each text or tags input object (rows,) of str, empty where absent.
        present: for each input bool (rows,).
        targets: for each head int32 (rows,), the index of the label; for a multi-label head bool (rows, classes).
        cached: intp (rows,), where in `pictures` a row is.
        rows: uint32 (rows,), its number in the manifest.
    """

    pictures: Mapping[str, NDArray[np.uint8]]
    texts: Mapping[str, NDArray[np.object_]]
    present: Mapping[str, NDArray[np.bool_]]
    targets: Mapping[str, Targets]
    cached: NDArray[np.intp]
    rows: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, chosen: NDArray[np.bool_]) -> Examples:
        """The rows for which `chosen`, bool (rows,), is true."""
        return Examples(
            self.pictures,
            {name: array[chosen] for name, array in self.texts.items()},
            {name: array[chosen] for name, array in self.present.items()},
            {name: array[chosen] for name, array in self.targets.items()},
            self.cached[chosen],
            self.rows[chosen],
        )

    def only(self, spec: ModelSpec) -> Examples:
        """All rows with the inputs and heads that a spec has."""
        return replace(
            self,
            pictures={name: array for name, array in self.pictures.items() if name in spec.inputs},
            texts={name: array for name, array in self.texts.items() if name in spec.inputs},
            present={name: array for name, array in self.present.items() if name in spec.inputs},
            targets={name: array for name, array in self.targets.items() if name in spec.heads},
        )

    def batch(self, index: NDArray[np.intp]) -> Batch:
        """Some rows as tensors, named as `model.signature.serving_inputs` names them."""
        tensors: Batch = {name: array[self.cached[index]] for name, array in self.pictures.items()}
        tensors |= {name: array[index] for name, array in self.texts.items()}
        tensors |= {presence_of(name): array[index] for name, array in self.present.items()}
        return tensors


def in_order(examples: Examples, batch_size: int) -> Iterator[Batch]:
    """All rows once, in order; the last batch may be smaller."""
    for start in range(0, len(examples), batch_size):
        yield examples.batch(np.arange(start, min(start + batch_size, len(examples))))


def shuffled(
    examples: Examples, batch_size: int, *, absent_rate: float, seed: tuple[int, int]
) -> Iterator[tuple[Batch, dict[str, Targets]]]:
    """One epoch of training: every row once in random order, with inputs withheld at random.

    Args:
        examples: of the training split.
        batch_size: rows a batch; the last one may be smaller.
        absent_rate: share of the given inputs that are withheld.
        seed: of the run and of the epoch.

    Yields:
        The tensors and, for each head, the targets of the batch.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(examples))
    for start in range(0, len(order), batch_size):
        index = order[start : start + batch_size]
        batch = examples.batch(index)
        present = {name: array[index] for name, array in examples.present.items()}
        batch |= withhold(present, absent_rate, random)
        yield batch, {head: array[index] for head, array in examples.targets.items()}


def withhold(present: Mapping[str, NDArray[np.bool_]], rate: float, random: np.random.Generator) -> Batch:
    """Drops given inputs at random, but never the last one of an example.

    Args:
        present: for each input bool (batch,).
        rate: chance of each given input to be dropped.
        random: where the draws come from.

    Returns:
        `<input>_present`: bool (batch,).
    """
    names = list(present)
    given = np.stack([present[name] for name in names])  # (inputs, B)
    kept = given & (random.random(given.shape) >= rate)
    kept = np.where(kept.any(axis=0), kept, given)
    return {presence_of(name): kept[row] for row, name in enumerate(names)}
