"""With which earlier model a run is compared, and on which rows."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from model.errors import BundleError, ManifestError, SpecError
from tests import tiny
from training.fit import Fitted
from training.gating import judge_against_earlier, require_comparable
from training.learned_rows import known_test_rows
from training.outcome import tell
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.request import Request
from training.runs import Run
from training.session import Session
from training.stopping import Stop
from training.training_settings import TrainingSettings


@pytest.fixture(scope="module")
def data(tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    cache = tmp_path_factory.mktemp("cache")
    return prepare(tiny.recipe(tiny_manifest), cache_dir=cache, reporter=Reporter(Console(quiet=True)))


@pytest.fixture
def earlier(tiny_fitted: Fitted, tmp_path: Path) -> Run:
    """A run that one may change."""
    return Run(Path(shutil.copytree(tiny_fitted.run.path, tmp_path / "runs" / "tiny-20260102-030405")))


def request_of(home: Path, source: Path | None) -> Request:
    return Request(models=home / "models", cache=home / "cache", gate=True, source=source)


def test_rows_that_the_earlier_model_learned_from_are_left_out(
    earlier: Run, tiny_fitted: Fitted, data: Prepared, tmp_path: Path
) -> None:
    known = earlier.contents()
    assert known is not None
    assert not np.isin(data.contents["test"], known).any()
    moved = np.unique(data.contents["test"])[:2]
    earlier.write_contents(np.concatenate([known, moved]))
    left = int((~np.isin(data.contents["test"], moved)).sum())
    spoken = io.StringIO()
    session = Session(tiny_fitted.run, data, {}, Reporter(Console(file=spoken, width=1000)), Stop())

    verdict = judge_against_earlier(session, request_of(tmp_path, earlier.path))

    assert verdict is not None
    assert {one.rows for one in verdict.heads.values()} == {left}
    assert f"{len(data.test) - left} of the {len(data.test)} test rows are left out" in spoken.getvalue()


def test_known_test_rows_are_counted_wherever_a_training_starts_from(
    earlier: Run, data: Prepared, tmp_path: Path
) -> None:
    test = data.contents["test"]
    earlier.write_contents(np.unique(test)[:1])
    known = int((test == np.unique(test)[0]).sum())

    def counted(init: object) -> int:
        return known_test_rows(TrainingSettings.parse({"init": init}, what="training"), test, tmp_path / "runs")

    assert counted(None) == 0
    assert counted(str(earlier.path)) == known
    assert counted({"image": {"path": str(earlier.bundle)}}) == known
    assert counted(str(tmp_path / "not-there")) == 0


def test_that_test_rows_were_known_is_said(earlier: Run) -> None:
    spoken = io.StringIO()
    earlier.write_metrics(earlier.metrics() | {"test_rows_known_to_source": 7})
    tell(earlier, Reporter(Console(file=spoken, width=1000)))

    assert "warning: 7 of these test rows are ones that the model it started from had learned from" in spoken.getvalue()


def test_of_a_published_version_the_run_that_made_it_tells(earlier: Run, data: Prepared, tmp_path: Path) -> None:
    version = Path(shutil.copytree(earlier.bundle, tmp_path / "models" / "tiny" / "1"))
    earlier.write_contents(data.contents["test"])

    with pytest.raises(ManifestError, match="learned from every test row"):
        require_comparable(data, request_of(tmp_path, None), tmp_path / "runs")
    require_comparable(data, request_of(tmp_path, version), tmp_path / "elsewhere")  # where nothing is known of it


def test_what_can_not_be_compared_is_told_before_anything_is_trained(
    earlier: Run, data: Prepared, tmp_path: Path
) -> None:
    request = request_of(tmp_path, earlier.path)
    with pytest.raises(SpecError, match="No metric 'x'"):
        require_comparable(data, request.model_copy(update={"gate_metric": "x"}), tmp_path)
    shutil.rmtree(earlier.bundle)
    with pytest.raises(BundleError):
        require_comparable(data, request, tmp_path)
    require_comparable(data, request_of(tmp_path, None), tmp_path)  # nothing to compare with is no error
