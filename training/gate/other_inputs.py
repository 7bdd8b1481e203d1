"""Rows of one model as another takes them, whose inputs may be others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import images
from model.errors import ImageError, ManifestError
from model.spec import ImageInput, ModelSpec, TagsInput
from training.pipeline import Column, Examples, Held


@dataclass(frozen=True)
class Decoded:
    """Pictures that are decoded when they are asked for.

    Args:
        paths: the files of the whole manifest; None where absent.
        given: the size that is wanted.
        max_pixels: a picture may have.
    """

    paths: Sequence[Path | None]
    given: ImageInput
    max_pixels: int = images.DEFAULT_MAX_PIXELS

    def take(self, positions: NDArray[np.intp]) -> NDArray[np.uint8]:
        """Those of some rows, uint8 (positions, height, width, 3).

        Raises:
            ManifestError: if a file is no longer what it was.
        """
        given = self.given
        pixels = np.zeros((len(positions), given.height, given.width, 3), np.uint8)
        for number, position in enumerate(positions.tolist()):
            path = self.paths[position]
            if path is not None:
                try:
                    pixels[number] = images.decode(
                        path.read_bytes(),
                        height=given.height,
                        width=given.width,
                        fit=given.fit,
                        max_pixels=self.max_pixels,
                    )
                except (OSError, ImageError) as error:
                    raise ManifestError(f"The picture {path} can't be read any more: {error}") from None
        return pixels


@dataclass(frozen=True)
class Redelimited:
    """Tags joined by another delimiter.

    Args:
        column: the tags as they are.
        old, new: delimiters.
    """

    column: Column
    old: str
    new: str

    def take(self, positions: NDArray[np.intp]) -> NDArray[Any]:
        """Those of some rows, object (positions,) of str."""
        found = self.column.take(positions)
        return np.array([text.replace(self.old, self.new) for text in found.tolist()] or [], object)


def as_taken_by(
    spec: ModelSpec,
    of: ModelSpec,
    examples: Examples,
    pictures: Mapping[str, Sequence[Path | None]],
    *,
    max_pixels: int = images.DEFAULT_MAX_PIXELS,
) -> Examples:
    """The same rows for another model. An input that they do not have, or of another kind, is absent for it.

    Args:
        spec: of the model that is to take them.
        of: of the model that they were made for.
        examples: the rows.
        pictures: for each image input the files of the whole manifest.
        max_pixels: a picture may have.
    """
    size = int(examples.positions.max(initial=-1)) + 1
    columns: dict[str, Column] = {}
    texts: dict[str, Column] = {}
    present: dict[str, NDArray[np.bool_]] = {}
    for name, given in spec.inputs.items():
        known = of.inputs.get(name)
        there = known is not None and known.kind == given.kind
        present[name] = examples.present[name] if there else np.zeros(len(examples), bool)
        if isinstance(given, ImageInput):
            if there and isinstance(known, ImageInput) and _alike(known, given):
                columns[name] = examples.pictures[name]
            else:
                columns[name] = Decoded(pictures[name] if there else [None] * size, given, max_pixels)
        elif not there:
            texts[name] = Held(np.array([""] * size, object))
        elif isinstance(given, TagsInput) and isinstance(known, TagsInput) and given.delimiter != known.delimiter:
            texts[name] = Redelimited(examples.texts[name], known.delimiter, given.delimiter)
        else:
            texts[name] = examples.texts[name]
    return replace(examples, pictures=columns, texts=texts, present=present)


def _alike(some: ImageInput, other: ImageInput) -> bool:
    return (some.height, some.width, some.fit) == (other.height, other.width, other.fit)
