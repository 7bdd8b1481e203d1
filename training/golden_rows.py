"""Which examples a bundle takes along to be checked by."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from model.examples import Example
from training.pipeline import Examples
from training.prepare import Prepared

COUNT = 8
LARGEST_FILE = 256 * 1024


def choose(data: Prepared) -> list[Example]:
    """A few validation rows, spread over the labels, and the first of them once more without each of its inputs.

    A picture is taken along as the file it is, so that the server's decoding is checked with it; one over
    `LARGEST_FILE` bytes as a PNG of its decoded pixels.
    """
    target = next(iter(data.val.targets.values()))
    order = np.argsort(target, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, COUNT).round().astype(int))]
    examples: list[Example] = [_example(data, data.val, int(index)) for index in chosen]
    for name in data.recipe.spec.inputs:
        rest = {other: value for other, value in examples[0].items() if other != name}
        if rest and name in examples[0]:
            examples.append(rest)
    return examples


def _example(data: Prepared, split: Examples, index: int) -> dict[str, bytes | str]:
    example: dict[str, bytes | str] = {}
    for name in data.recipe.spec.inputs:
        if not split.present[name][index]:
            continue
        if name in split.texts:
            example[name] = split.texts[name][index]
        else:
            file = data.paths[name][int(split.rows[index])]
            example[name] = _encoded(file, split.pictures[name][split.cached[index]])
    return example


def _encoded(file: Path | None, pixels: np.ndarray) -> bytes:
    if file is not None and file.stat().st_size <= LARGEST_FILE:
        return file.read_bytes()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
