"""What a run folder holds, as reports and lists of runs take it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from model.bundle import Bundle, Metadata
from model.errors import BundleError, StorageError
from training.recipe import Recipe
from training.runs import Run

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Contents:
    """A run folder, read. What a run has not come to yet is empty or None.

    Args:
        path: of the folder.
        recipe: that it was made by.
        metrics: `metrics.json`.
        log: a line an epoch, in order; of an epoch that was done twice, as after a resume, the last.
        findings: `check.json`, what the data check found.
        bad_rows: the rows that could not be used, with the number in the manifest and the reason.
        metadata: of the bundle.
    """

    path: Path
    recipe: Recipe
    metrics: Mapping[str, Any]
    log: list[Mapping[str, Any]]
    findings: Mapping[str, Any]
    bad_rows: list[tuple[str, str]]
    metadata: Metadata | None

    @property
    def test(self) -> Mapping[str, Figures]:
        """For each head its figures on the test split; empty if the run has not been tested."""
        tested: Mapping[str, Figures] = self.metrics.get("test", {})
        return tested

    @property
    def is_finished(self) -> bool:
        """Whether the run came to its end."""
        return "seconds" in self.metrics


def read(path: Path) -> Contents:
    """Reads a run folder.

    Raises:
        StorageError: if it is none.
        SpecError: if its recipe is not one of this build.
    """
    run = Run.open(path)
    epochs = {line["epoch"]: line for line in run.log() if "epoch" in line}
    return Contents(
        path=path,
        recipe=run.recipe(),
        metrics=run.metrics(),
        log=[epochs[number] for number in sorted(epochs)],
        findings=_findings(path / "check.json"),
        bad_rows=_bad_rows(path / "bad_rows.csv"),
        metadata=_metadata(run.bundle),
    )


def predictions(path: Path) -> pl.DataFrame | None:
    """The test rows of a run folder with what was answered, as `predictions.csv` has them, in order; None without it.

    All columns are strings, for a label "007" is not the number 7.

    Raises:
        StorageError: if the file is damaged.
    """
    file = path / "predictions.csv"
    if not file.is_file():
        return None
    try:
        table = pl.read_csv(file, infer_schema=False, glob=False).fill_null("")
        with file.open(encoding="utf-8", newline="") as stream:
            table.columns = next(csv.reader(stream))  # polars leaves doubled quotes in a header as they are
        return table.sort(pl.col("row").cast(pl.Int64))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise StorageError(f"{file} can't be read: {str(error).splitlines()[0]}. Train again, or delete it.") from None


def measured(figures: Figures, name: str) -> Mapping[str, float] | None:
    """A metric with its interval: `value`, `low`, `high`; None if it is not there or not defined on the rows."""
    found: Mapping[str, float] | None = figures.get("metrics", {}).get(name)
    return found


def _findings(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _bad_rows(file: Path) -> list[tuple[str, str]]:
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return [(row["row"], row["reason"]) for row in csv.DictReader(stream)]
    except (OSError, KeyError):
        return []


def _metadata(bundle: Path) -> Metadata | None:
    try:
        return Bundle(bundle).metadata
    except BundleError:
        return None
