"""Examples as the training loop takes them: batches of the tensors that the exported signature takes too."""

from __future__ import annotations

import math
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.signature import presence_of
from model.spec import ModelSpec
from training import augment as vary
from training.augment_settings import AugmentSettings

TEXTS_AT_A_TIME = 4096
NO_AUGMENT = AugmentSettings()

Batch = dict[str, NDArray[Any]]
# Indices of the right labels, int32 (rows,); for a multi-label head which are right, bool (rows, classes).
Targets = NDArray[Any]
Made = TypeVar("Made")


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
        delimiters: for each tags input what stands between two tags.
    """

    pictures: Mapping[str, Column]
    texts: Mapping[str, Column]
    present: Mapping[str, NDArray[np.bool_]]
    targets: Mapping[str, Targets]
    positions: NDArray[np.intp]
    rows: NDArray[np.uint32]
    delimiters: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def subset(self, chosen: NDArray[np.bool_]) -> Examples:
        """The rows for which `chosen`, bool (rows,), is true."""
        return replace(
            self,
            present={name: array[chosen] for name, array in self.present.items()},
            targets={name: array[chosen] for name, array in self.targets.items()},
            positions=self.positions[chosen],
            rows=self.rows[chosen],
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
    examples: Examples,
    batch_size: int,
    *,
    absent_rate: float,
    seed: tuple[int, int],
    augment: AugmentSettings = NO_AUGMENT,
    skip: int = 0,
    part: Callable[[int], slice] = slice,
) -> Iterator[tuple[Batch, dict[str, Targets]]]:
    """One epoch of training: every row once in random order, varied, with inputs withheld at random.

    A batch depends on its number, the examples and the seed alone, not on the batches before it. So an epoch that was
    broken off after `skip` batches goes on with exactly those that were to come, and none of the skipped is made.

    Args:
        examples: of the training split.
        batch_size: rows a batch; the last one may be smaller.
        absent_rate: share of the given inputs that are withheld.
        seed: of the run and of the epoch.
        augment: how pictures and texts are varied.
        skip: batches that were taken already.
        part: of a batch of so many rows those that are wanted; they are as they would be in the whole batch. All are if
            not given.

    Yields:
        The tensors and, for each head, the targets of the batch.
    """
    order = np.random.default_rng(seed).permutation(len(examples))
    for number in range(skip, math.ceil(len(order) / batch_size)):
        whole = order[number * batch_size : (number + 1) * batch_size]
        wanted = part(len(whole))
        index = whole[wanted]
        batch = examples.batch(index)
        present = {name: array[whole] for name, array in examples.present.items()}
        kept = withhold(present, absent_rate, _random(seed, number, "withhold"))
        batch |= {name: array[wanted] for name, array in kept.items()}
        for name in (*examples.pictures, *examples.texts):
            seeds = _random(seed, number, name).integers(0, 2**64, len(whole), np.uint64)[wanted]
            if name in examples.pictures:
                batch[name] = vary.pictures(batch[name], batch[presence_of(name)], augment, seeds)
            else:
                batch[name] = vary.texts(batch[name], augment, seeds, delimiter=examples.delimiters.get(name))
        yield batch, {head: array[index] for head, array in examples.targets.items()}


def _random(seed: tuple[int, int], number: int, purpose: str) -> np.random.Generator:
    """Draws for one batch and purpose; what an input draws does not hang on which others there are."""
    # Keyed, not appended to the seed: NumPy takes (0, 1) and (0, 1, 0) for the same seed.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, zlib.crc32(purpose.encode()))))


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


class Prefetched(Generic[Made]):
    """Batches that are made ahead in a thread of their own while the step runs.

        with Prefetched(shuffled(...)) as batches:
            for batch, targets in batches:
                step(batch, targets)

    An error in making one is raised where that batch would have been taken. Leaving the context ends the thread, after
    the batch it is at, whether or not all were taken.

    Args:
        batches: makes them; used by the thread alone from then on.
        ahead: how many are held ready at most; one more may be in the making.
    """

    def __init__(self, batches: Iterator[Made], *, ahead: int = 2) -> None:
        self.waited_s = 0.0  # seconds that the consumer waited for a batch
        self._batches = batches
        self._ahead = ahead
        self._ready: deque[Made] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._left = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._make, name="batches", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._left = True
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Made:
        if self._thread.ident is None:
            raise RuntimeError("Nothing makes the batches yet: take them within `with Prefetched(...) as batches`.")
        with self._changed:
            started = time.perf_counter()
            self._changed.wait_for(lambda: self._ready or self._ended)
            self.waited_s += time.perf_counter() - started
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
        if self._error is not None:
            raise self._error
        raise StopIteration

    def _make(self) -> None:
        try:
            for one in self._batches:
                with self._changed:
                    self._changed.wait_for(lambda: self._left or len(self._ready) < self._ahead)
                    if self._left:
                        return
                    self._ready.append(one)
                    self._changed.notify_all()
        except BaseException as error:  # also a KeyboardInterrupt: the consumer is who can act on it
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
