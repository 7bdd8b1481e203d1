"""An evaluation as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.errors import StorageError
from training.evaluation import Evaluated, written
from training.evaluation.rows import Wanted, read
from training.evaluation.subject import Subject
from training.fit import Fitted
from training.progress import Reporter


def test_a_full_disk_is_told(tiny_fitted: Fitted, tmp_path: Path, reporter: Reporter) -> None:
    subject = Subject(tiny_fitted.run.path)
    rows = read(subject.recipe(), Wanted(split="test"), cache_dir=tmp_path / "cache", reporter=reporter)
    found = Evaluated({}, subject.probabilities(rows.examples))
    (tmp_path / ".predictions.csv.part").symlink_to("/dev/full")  # polars' errors have no `strerror`

    with pytest.raises(StorageError, match="can't be written: No space left on device"):
        written.write(tmp_path, subject, rows, found, manifest="manifest.csv")
