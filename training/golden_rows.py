"""Which examples a bundle takes along to be checked by."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model import images
from model.errors import ImageTooLargeError
from model.examples import Example
from training.pipeline import Examples

COUNT = 8
LARGEST_FILE = 256 * 1024


def choose(validation: Examples, paths: Mapping[str, Sequence[Path | None]]) -> list[Example]:
    """A few validation rows, spread over the labels, and the first of them once more without each of its inputs.

    A picture is taken along as the file it is, so that the server's decoding is checked with it; one over
    `LARGEST_FILE` bytes, or with more pixels than a server takes by default, as a PNG of its decoded pixels.

    Args:
        validation: the rows to choose from.
        paths: for each image input the file of each row of the manifest.
    """
    target = next(iter(validation.targets.values()))
    if target.ndim == 2:
        target = target.argmax(axis=1)  # by the first of several labels
    order = np.argsort(target, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, COUNT).round().astype(int))] if len(order) else order
    examples: list[Example] = [_example(validation, int(index), paths) for index in chosen]
    for name in validation.present if examples else ():
        rest = {other: value for other, value in examples[0].items() if other != name}
        if rest and name in examples[0]:
            examples.append(rest)
    return examples


def _example(rows: Examples, index: int, paths: Mapping[str, Sequence[Path | None]]) -> dict[str, bytes | str]:
    example: dict[str, bytes | str] = {}
    for name, present in rows.present.items():
        if not present[index]:
            continue
        at = rows.positions[index : index + 1]
        if name in rows.texts:
            example[name] = rows.texts[name].take(at)[0]
        else:
            example[name] = _encoded(paths[name][int(at[0])], rows.pictures[name].take(at)[0])
    return example


def _encoded(file: Path | None, pixels: NDArray[np.uint8]) -> bytes:
    if file is not None and file.stat().st_size <= LARGEST_FILE:
        data = file.read_bytes()
        with suppress(ImageTooLargeError):
            images.decode(data, height=1, width=1)
            return data
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
