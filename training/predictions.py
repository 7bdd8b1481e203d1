"""The test rows with what the model made of them, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model.spec import Head, ModelSpec, MultiLabelHead
from training.evaluation.calibration import Calibration
from training.evaluation.figures import chosen
from training.pipeline import Examples, Targets


def write(
    file: Path,
    examples: Examples,
    spec: ModelSpec,
    probabilities: Mapping[str, NDArray[np.float32]],
    calibrations: Mapping[str, Calibration] | None = None,
) -> None:
    """Writes a CSV, one line an example.

    Its columns are `row`, the number in the manifest, and for each head `<head>.label`, the right one,
    `<head>.predicted`, and `<head>:<label>`, the probability of each label. Several labels are delimited as in the
    manifest; predicted are those whose probability reaches their threshold.

    Args:
        file: to be written.
        examples: of the split.
        spec: with labels.
        probabilities: float32 (examples, classes) for each head, calibrated.
        calibrations: of each head, for its thresholds; one half for one that is not there.
    """
    given = calibrations or {}
    columns: dict[str, NDArray[np.generic]] = {"row": examples.rows}
    for head, values in probabilities.items():
        labels = spec.heads[head].labels
        columns[f"{head}.label"] = _right(spec.heads[head], examples.targets[head])
        columns[f"{head}.predicted"] = _predicted(spec.heads[head], values, given.get(head, Calibration()))
        columns |= {f"{head}:{label}": values[:, index] for index, label in enumerate(labels)}
    pl.DataFrame(columns).write_csv(file)


def _right(head: Head, targets: Targets) -> NDArray[np.generic]:
    return _joined(head, targets) if isinstance(head, MultiLabelHead) else np.array(head.labels)[targets]


def _predicted(head: Head, probabilities: NDArray[np.float32], calibration: Calibration) -> NDArray[np.generic]:
    at = calibration.at(head)
    if isinstance(head, MultiLabelHead) and at is not None:
        return _joined(head, chosen(probabilities, at))
    return np.array(head.labels)[probabilities.argmax(axis=1)]


def _joined(head: MultiLabelHead, chosen: NDArray[np.generic]) -> NDArray[np.str_]:
    return np.array([head.delimiter.join(np.array(head.labels)[row]) for row in chosen])
