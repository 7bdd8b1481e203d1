"""The file that a training goes on from."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model.errors import StorageError
from training.checkpoint import Checkpoint
from training.course import Course
from training.epoch import Epoch

ARRAYS = {"network/0": np.arange(6, dtype=np.float32).reshape(2, 3), "network/1": np.array([7, 2**60])}
COURSE = Course(
    precision="bfloat16",
    epoch=3,
    losses=[0.1, 1 / 3],
    seconds=1.5,
    history=[Epoch(1, 0.9, 0.8, 0.5, 1.0, 10.0, best=True), Epoch(2, 0.7, float("inf"), 0.5, 1.0, 10.0)],
    since_best=1,
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(tmp_path / "checkpoint" / "model.npz", every_s=30)


@pytest.fixture
def files_of_a_kilobyte_at_most() -> Iterator[None]:
    """As on a disk that is full: what is longer can't be written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_what_is_read_is_what_was_written_to_the_last_bit(checkpoint: Checkpoint) -> None:
    checkpoint.write(ARRAYS, COURSE)
    arrays, course = checkpoint.read()

    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    assert course == checkpoint.read_course() == COURSE
    assert course.best == COURSE.history[0]


def test_a_full_disk_is_told_and_leaves_the_checkpoint_before(
    checkpoint: Checkpoint, files_of_a_kilobyte_at_most: None
) -> None:
    checkpoint.write({}, COURSE)
    with pytest.raises(StorageError, match=r"The checkpoint .*model\.npz can't be written: File too large\."):
        checkpoint.write({"network/0": np.zeros(10_000)}, Course(epoch=9))

    assert checkpoint.read_course() == COURSE
    assert os.listdir(checkpoint.file.parent) == ["model.npz"]  # noqa: PTH208


def test_one_that_is_half_written_is_never_taken_for_a_whole_one(checkpoint: Checkpoint) -> None:
    checkpoint.write(ARRAYS, COURSE)
    checkpoint.file.with_suffix(".part").write_bytes(b"PK half")

    assert checkpoint.read_course() == COURSE


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data[:200] + b"x" + data[201:]])
def test_a_damaged_one_is_told(checkpoint: Checkpoint, damage: object) -> None:
    checkpoint.write(ARRAYS, COURSE)
    checkpoint.file.write_bytes(damage(checkpoint.file.read_bytes()))  # type: ignore[operator]

    with pytest.raises(StorageError, match=r"model\.npz is damaged .* Delete it to train from the beginning"):
        checkpoint.read()


def test_it_is_due_by_the_clock_and_after_an_epoch_but_takes_a_small_share_of_the_time(tmp_path: Path) -> None:
    now = [0.0]
    checkpoint = Checkpoint(tmp_path / "model.npz", every_s=30, clock=lambda: now[0])
    checkpoint.write(ARRAYS, COURSE)
    now[0] = 29
    assert [checkpoint.is_due(), checkpoint.is_due(after_epoch=True)] == [False, True]
    now[0] = 30
    assert checkpoint.is_due()

    ticks = iter([0.0, 100.0, 106.0])  # it takes six seconds to write
    slow = Checkpoint(tmp_path / "model.npz", every_s=30, clock=lambda: next(ticks, now[0]))
    slow.write(ARRAYS, COURSE)
    now[0] = 205
    assert [slow.is_due(), slow.is_due(after_epoch=True)] == [False, False]
    now[0] = 307
    assert [slow.is_due(), slow.is_due(after_epoch=True)] == [True, True]
