"""Run folders, and what is written into them."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from PIL import Image
from rich.console import Console

from model.bundle import Bundle
from model.errors import StorageError
from model.spec import SingleLabelHead
from training import curves, predictions
from training.fit import Fitted
from training.loop import Epoch
from training.pipeline import Examples
from training.progress import Reporter
from training.run_lock import at_work
from training.runs import Run


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    paths = {Run.create(tmp_path, "shop").path for _ in range(3)}

    assert len(paths) == 3
    assert all(path.name.startswith("shop-20") for path in paths)


def test_a_folder_that_is_something_else_is_not_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()

    with pytest.raises(StorageError, match=r"mine is there already, and is no run\. Choose another name for --run"):
        Run.create(tmp_path, "tiny", folder="mine")
    assert Run.create(tmp_path, "tiny", folder="new").path == tmp_path / "new"
    with at_work(tmp_path / "new"):  # and one that was killed while it began is gone on with
        assert Run.create(tmp_path, "tiny", folder="new").path == tmp_path / "new"


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(StorageError, match=r"No run folder can be made in .*runs: .*Choose another with --runs-dir"):
        Run.create(tmp_path / "runs", "shop")


@pytest.mark.parametrize("count", [1, 12])
def test_the_curves_are_a_picture_also_of_one_epoch(tmp_path: Path, count: int) -> None:
    history = [Epoch(number, 1 / number, 1.5 / number, 1 - 1 / number, 1.0, 100.0) for number in range(1, count + 1)]
    curves.draw(history, history[-1], tmp_path / "curves.png", title="shop")

    with Image.open(tmp_path / "curves.png") as image:
        assert image.format == "PNG"
        assert min(image.size) > 300


def two_rows(label: int = 1) -> Examples:
    return Examples(
        pictures={},
        texts={},
        present={},
        targets={"colour": np.array([label, 0], np.int32)},
        positions=np.arange(2),
        rows=np.array([5, 9], np.uint32),
    )


def test_predictions_are_a_table_with_a_column_a_label(tiny_fitted: Fitted, tmp_path: Path) -> None:
    spec = Bundle(tiny_fitted.published).spec
    values = np.array([[0.25, 0.25, 0.5], [0.125, 0.75, 0.125]], np.float32)
    predictions.write(tmp_path / "predictions.csv", two_rows(2), spec, {"colour": values})

    assert pl.read_csv(tmp_path / "predictions.csv").rows() == [
        (5, "red", "red", 0.25, 0.25, 0.5),
        (9, "blue", "green", 0.125, 0.75, 0.125),
    ]


def test_predictions_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(table: pl.DataFrame, file: Path) -> None:
        file.write_text("half")
        raise OSError(28, "No space left on device")

    file, head = tmp_path / "predictions.csv", SingleLabelHead(labels=("a", "b"))
    spec = SimpleNamespace(heads={"colour": head})
    file.write_text("as it was")
    monkeypatch.setattr(pl.DataFrame, "write_csv", breaks_off)
    with pytest.raises(OSError, match="No space left"):
        predictions.write(file, two_rows(), spec, {"colour": np.eye(2, dtype=np.float32)})  # type: ignore[arg-type]

    assert {path: path.read_text() for path in tmp_path.iterdir()} == {file: "as it was"}


def test_a_task_on_no_terminal_prints_lines_with_the_time_left() -> None:
    spoken = io.StringIO()
    now = iter([0.0, 4.0, 20.0, 25.0, 40.0])
    with Reporter(Console(file=spoken), clock=lambda: next(now)).task("Decoding") as task:
        for done in (10, 50, 60, 80):
            task.update(done, 100, "so far")

    assert spoken.getvalue().splitlines() == [
        "Decoding: 50/100, 20 s left so far",
        "Decoding: 80/100, 10 s left so far",
    ]


def test_a_training_tells_loss_last_figure_and_speed_and_leaves_out_what_was_done_before() -> None:
    spoken = io.StringIO()
    now = iter([0.0, 5.0, 25.0])
    with Reporter(Console(file=spoken, width=200), clock=lambda: next(now)).task("Training") as task:
        task.begin(600)
        task.step(601, 1000, 2.0, 1234.5)
        task.standing = "val accuracy 0.710"
        task.step(701, 1000, 1.0, 1234.5)

    assert spoken.getvalue() == "Training: 701/1000, 60 s left loss 1.000  val accuracy 0.710  1,234 examples/s\n"


def test_a_task_on_a_terminal_shows_a_bar() -> None:
    spoken = io.StringIO()
    with Reporter(Console(file=spoken, force_terminal=True, width=100)).task("Decoding") as task:
        task.update(50, 100, "loss 0.5")

    assert "Decoding" in spoken.getvalue()
    assert "50/100" in spoken.getvalue()
