"""An evaluation as files."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from model.errors import StorageError
from model.json_text import json_text
from training import predictions
from training.evaluation.evaluating import Evaluated
from training.evaluation.rows import Rows
from training.evaluation.subject import Subject
from training.whole_file import whole_file

# What a folder holds that is not to be written into: the figures of its training would be gone, or a version change.
_KEPT = {"recipe.yaml": "run folder", "saved_model.pb": "bundle"}


def require_writable(directory: Path) -> None:
    """Makes the folder and tries to write to it: now, and not after an hour of measuring.

    Raises:
        StorageError: if it is a run folder or a bundle, or can't be written.
    """
    for name, what in _KEPT.items():
        if (directory / name).exists():
            raise StorageError(
                f"--out: {directory} is a {what}, whose own files must stay as they are. Choose a folder of its own, "
                "as in --out evaluation."
            )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=directory, prefix=".try-"):
            pass
    except OSError as error:
        raise _unwritable(directory, error) from None


def write(directory: Path, subject: Subject, rows: Rows, found: Evaluated, *, manifest: str) -> None:
    """Writes `metrics.json`, `predictions.csv` and, if there are any, `bad_rows.csv`, each whole or not at all.

    Args:
        directory: that is there, see `require_writable`.
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
        predictions.write(
            directory / "predictions.csv",
            rows.examples,
            subject.spec,
            found.probabilities,
            subject.calibrations,
            group_keys=rows.group_keys,
        )
        if rows.bad:
            table = pl.DataFrame({"row": [one.row for one in rows.bad], "reason": [one.reason for one in rows.bad]})
            with whole_file(directory / "bad_rows.csv") as beside:
                table.write_csv(beside)
        else:
            (directory / "bad_rows.csv").unlink(missing_ok=True)  # of an evaluation before
        with whole_file(directory / "metrics.json") as beside:
            beside.write_text(json_text(told) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(directory, error) from None


def _unwritable(directory: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The folder {directory} can't be written: {error.strerror or error}. Choose another with --out."
    )
