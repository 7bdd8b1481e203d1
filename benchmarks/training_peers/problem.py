"""What every peer trains: the sizes of the default network and the same examples, in a folder. NumPy alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Words:
    """A branch over token ids: a vector each, their mean, dropout, a dense layer.

    Args:
        name: of the branch, and of its array.
        num_ids: rows of the table; 0 is padding.
        dimension: of a vector.
        units: of the dense layer.
        activation: of the dense layer.
        dropout: share of the mean dropped.
    """

    name: str
    num_ids: int
    dimension: int
    units: int
    activation: str
    dropout: float


@dataclass(frozen=True)
class Problem:
    """The network and how it is trained.

    Args:
        side_px: of the square pictures.
        filters: of each stage: convolution without bias, max pool of 2, batch normalization, ReLU.
        kernel_size: of the convolutions.
        picture_units, picture_dropout: behind the mean over all places.
        words: the branches over token ids.
        trunk_units, trunk_dropout: behind the concatenated vectors.
        classes: of the head, and of a copy of it on each branch whose loss counts as much.
        batch_size: examples a step.
        steps: a turn.
        learning_rate, weight_decay, clip_norm: of AdamW.
        ema_decay: of the moving average of the weights.
    """

    side_px: int
    filters: tuple[int, ...]
    kernel_size: int
    picture_units: int
    picture_dropout: float
    words: tuple[Words, ...]
    trunk_units: int
    trunk_dropout: float
    classes: int
    batch_size: int
    steps: int
    learning_rate: float
    weight_decay: float
    clip_norm: float
    ema_decay: float

    @property
    def examples(self) -> int:
        """In a turn."""
        return self.batch_size * self.steps

    def save(self, folder: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Writes it with its examples.

        Args:
            folder: is there.
            arrays: `image` uint8 (examples, side, side, 3), each branch's int32 (examples, length), `label` int32
                (examples,).
        """
        (folder / "problem.json").write_text(json.dumps(asdict(self)), encoding="utf-8")
        np.savez(folder / "examples.npz", **arrays)  # type: ignore[arg-type]  # its stub takes them for allow_pickle

    @classmethod
    def load(cls, folder: Path) -> tuple[Problem, dict[str, NDArray[np.generic]]]:
        """What `save` wrote."""
        told = json.loads((folder / "problem.json").read_text(encoding="utf-8"))
        told |= {"filters": tuple(told["filters"]), "words": tuple(Words(**one) for one in told["words"])}
        with np.load(folder / "examples.npz") as arrays:
            return cls(**told), dict(arrays)
