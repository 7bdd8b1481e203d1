"""An evaluation as files."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from model.errors import StorageError
from training import predictions
from training.evaluation.evaluating import Evaluated
from training.evaluation.rows import Rows
from training.evaluation.subject import Subject


def write(directory: Path, subject: Subject, rows: Rows, found: Evaluated, *, manifest: str) -> None:
    """Writes `metrics.json`, `predictions.csv` and, if there are any, `bad_rows.csv`.

    Args:
        directory: made if it is not there.
        subject: the model.
        rows: that it was measured on.
        found: the figures.
        manifest: what the rows are from.

    Raises:
        StorageError: if the folder can't be written.
    """
    said = subject.bundle.metadata
    told = {
        "model": {"name": said.name, "created": said.created.isoformat()},
        "manifest": manifest,
        "split": rows.split,
        "rows": len(rows.examples),
        "bad_rows": len(rows.bad),
        "unknown_labels": rows.unknown,
        "figures": found.figures,
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        text = json.dumps(told, indent=2, ensure_ascii=False)
        (directory / "metrics.json").write_text(text + "\n", encoding="utf-8")
        predictions.write(
            directory / "predictions.csv", rows.examples, subject.spec, found.probabilities, subject.calibrations
        )
        if rows.bad:
            table = pl.DataFrame({"row": [one.row for one in rows.bad], "reason": [one.reason for one in rows.bad]})
            table.write_csv(directory / "bad_rows.csv")
    except OSError as error:
        raise StorageError(
            f"The folder {directory} can't be written: {error.strerror}. Choose another with --out."
        ) from None
