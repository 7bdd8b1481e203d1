"""The test rows with what the model made of them, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model.spec import ModelSpec
from training.pipeline import Examples


def write(file: Path, examples: Examples, spec: ModelSpec, probabilities: Mapping[str, NDArray[np.float32]]) -> None:
    """Writes a CSV, one line an example.

    Its columns are `row`, the number in the manifest, and for each head `<head>.label`, the right one,
    `<head>.predicted`, and `<head>:<label>`, the probability of each label.

    Args:
        file: to be written.
        examples: of the split.
        spec: with labels.
        probabilities: float32 (examples, classes) for each head.
    """
    columns: dict[str, NDArray[np.generic]] = {"row": examples.rows}
    for head, values in probabilities.items():
        labels = np.array(spec.heads[head].labels)
        columns[f"{head}.label"] = labels[examples.targets[head]]
        columns[f"{head}.predicted"] = labels[values.argmax(axis=1)]
        columns |= {f"{head}:{label}": values[:, index] for index, label in enumerate(labels)}
    pl.DataFrame(columns).write_csv(file)
