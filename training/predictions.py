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
from training.whole_file import whole_file

# The column of groups; those of heads have a point or a colon in their names.
GROUP = "group"


def write(
    file: Path,
    examples: Examples,
    spec: ModelSpec,
    probabilities: Mapping[str, NDArray[np.float32]],
    calibrations: Mapping[str, Calibration] | None = None,
    *,
    group_keys: NDArray[np.object_] | None = None,
) -> None:
    """Writes a CSV, one line an example, whole or not at all.

    Its columns are `row`, the number in the manifest, `group` if there are groups, and for each head `<head>.label`,
    the right one, `<head>.predicted`, and `<head>:<label>`, the probability of each label. Several labels are
    delimited as in the manifest; predicted are those whose probability reaches their threshold.

    Args:
        file: to be written.
        examples: of the split.
        spec: with labels.
        probabilities: float32 (examples, classes) for each head, calibrated.
        calibrations: of each head, for its thresholds; one half for one that is not there.
        group_keys: (examples,) of str, what the manifest calls the group of each; None without groups.

    Raises:
        OSError: if it can't be written.
    """
    given = calibrations or {}
    columns: dict[str, NDArray[np.generic] | list[str]] = {"row": examples.rows}
    if group_keys is not None:
        columns[GROUP] = group_keys.tolist()
    for head, values in probabilities.items():
        labels = spec.heads[head].labels
        columns[f"{head}.label"] = _right(spec.heads[head], examples.targets[head])
        columns[f"{head}.predicted"] = _predicted(spec.heads[head], values, given.get(head, Calibration()))
        columns |= {f"{head}:{label}": values[:, index] for index, label in enumerate(labels)}
    with whole_file(file) as beside:
        pl.DataFrame(columns).write_csv(beside)


# Lists, for an array of texts is as wide in every row as its longest text.
def _right(head: Head, targets: Targets) -> list[str]:
    return _joined(head, targets) if isinstance(head, MultiLabelHead) else [head.labels[one] for one in targets]


def _predicted(head: Head, probabilities: NDArray[np.float32], calibration: Calibration) -> list[str]:
    at = calibration.at(head)
    if isinstance(head, MultiLabelHead) and at is not None:
        return _joined(head, chosen(probabilities, at))
    return [head.labels[one] for one in probabilities.argmax(axis=1)]


def _joined(head: MultiLabelHead, chosen: NDArray[np.generic]) -> list[str]:
    return [head.delimiter.join(head.labels[one] for one in np.flatnonzero(row)) for row in chosen]
