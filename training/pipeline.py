"""Examples as the training loop takes them: batches of the tensors that the exported signature takes too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from model.signature import presence_of
from model.spec import ModelSpec

TEXTS_AT_A_TIME = 4096

Batch = dict[str, NDArray[np.generic]]
# Indices of the right labels, int32 (rows,); for a multi-label head which are right, bool (rows, classes).
Targets = NDArray[Any]


class Column(Protocol):
    """The values of one input for every row of a manifest, wherever they are kept."""

    def take(self, positions: NDArray[np.intp]) -> NDArray[Any]:
        """Those of some rows: pictures uint8 (positions, height, width, 3), black where absent; texts object
        (positions,) of str, empty where absent."""


@dataclass(frozen=True)
class Held:
    """A column that is held in memory.

    Args:
        values: one a row of the manifest.
    """

    values: NDArray[Any]

    def take(self, positions: NDArray[np.intp]) -> NDArray[Any]:
        """Those of some rows."""
        return self.values[positions]


@dataclass(frozen=True)
class Examples:
    """Rows of a manifest, ready to be trained on. Only an index is held; pictures and texts stay where they are.

    Args:
        pictures: for each image input the pictures of the whole manifest.
        texts: for each text or tags input the texts of the whole manifest.
        present: for each input bool (rows,).
        targets: for each head int32 (rows,), the index of the label; for a multi-label head bool (rows, classes).
        positions: intp (rows,), where in the columns a row is.
        rows: uint32 (rows,), its number in the manifest.
    """

    pictures: Mapping[str, Column]
    texts: Mapping[str, Column]
    present: Mapping[str, NDArray[np.bool_]]
    targets: Mapping[str, Targets]
    positions: NDArray[np.intp]
    rows: NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, chosen: NDArray[np.bool_]) -> Examples:
        """The rows for which `chosen`, bool (rows,), is true."""
        return Examples(
            self.pictures,
            self.texts,
            {name: array[chosen] for name, array in self.present.items()},
            {name: array[chosen] for name, array in self.targets.items()},
            self.positions[chosen],
            self.rows[chosen],
        )

    def only(self, spec: ModelSpec) -> Examples:
        """All rows with the inputs and heads that a spec has."""
        return replace(
            self,
            pictures={name: column for name, column in self.pictures.items() if name in spec.inputs},
            texts={name: column for name, column in self.texts.items() if name in spec.inputs},
            present={name: array for name, array in self.present.items() if name in spec.inputs},
            targets={name: array for name, array in self.targets.items() if name in spec.heads},
        )

    def texts_of(self, name: str) -> Iterator[list[str]]:
        """The texts of an input, in order, some thousand at a time."""
        for start in range(0, len(self), TEXTS_AT_A_TIME):
            yield self.texts[name].take(self.positions[start : start + TEXTS_AT_A_TIME]).tolist()

    def batch(self, index: NDArray[np.intp]) -> Batch:
        """Some rows as tensors, named as `model.signature.serving_inputs` names them."""
        at = self.positions[index]
        tensors: Batch = {name: column.take(at) for name, column in (*self.pictures.items(), *self.texts.items())}
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
