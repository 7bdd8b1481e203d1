"""What each process has of a training together; with stand-ins for the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.errors import ClusterError
from tests import tiny
from training.distributed.cluster import Cluster
from training.distributed.job import Job, announce, receive, require_same_data
from training.distributed.replicas import Replicas
from training.fit import learn_vocabularies
from training.prepare import Prepared, prepare
from training.progress import Reporter
from training.reuse import Reuse
from training.runs import Run


def of(processes: int, index: int, *, devices: int = 1) -> Replicas:
    strategy: Any = SimpleNamespace(num_replicas_in_sync=processes * devices)
    return Replicas(strategy, Cluster(tuple(f"h{number}:1" for number in range(processes)), index))


class Overheard(Replicas):
    """The chief and what it said, or another worker that hears it."""

    def __init__(self, index: int, said: bytes = b"", differing: int | None = None) -> None:
        strategy: Any = SimpleNamespace(num_replicas_in_sync=2)
        super().__init__(strategy, Cluster(("a:1", "b:1"), index))
        self.said = said
        self._differing = differing

    def broadcast(self, payload: bytes) -> bytes:
        self.said = payload if self.is_chief else self.said
        return self.said

    def all_reduce_sum(self, array: np.ndarray) -> np.ndarray:
        others = np.zeros_like(array)
        if self._differing is not None:
            others[self._differing] = 1
        return array + others


@pytest.fixture
def prepared(tiny_manifest: Path, tmp_path: Path, reporter: Reporter) -> Prepared:
    return prepare(tiny.recipe(tiny_manifest), cache_dir=tmp_path, reporter=reporter)


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 8, 31])
@pytest.mark.parametrize("devices", [1, 2])
def test_the_parts_of_all_processes_are_the_batch(rows: int, devices: int) -> None:
    parts = [of(3, index, devices=devices).part(rows) for index in range(3)]
    sizes = [len(range(rows)[part]) for part in parts]

    assert [row for part in parts for row in range(rows)[part]] == list(range(rows))
    assert max(sizes) - min(sizes) <= devices


def test_a_worker_gets_the_job_that_the_chief_announced(prepared: Prepared, tmp_path: Path) -> None:
    recipe = prepared.recipe
    files = learn_vocabularies(prepared, Run.create(tmp_path / "runs", "tiny"), Reuse(None))
    chief = Overheard(0)
    announce(Job.of(recipe.spec, prepared, recipe.training, files), chief)
    job = receive(Overheard(1, chief.said))

    assert job is not None
    assert job.model_spec() == recipe.spec
    assert job.training_settings() == recipe.training
    written = job.write_vocabularies(tmp_path)
    assert {name: file.read_bytes() for name, file in written.items()} == {
        name: file.read_bytes() for name, file in files.items()
    }


def test_no_job_is_told_as_none() -> None:
    chief = Overheard(0)
    announce(None, chief)

    assert receive(Overheard(1, chief.said)) is None


def test_a_worker_with_other_rows_is_named(prepared: Prepared) -> None:
    job = Job.of(prepared.recipe.spec, prepared, prepared.recipe.training, {})
    require_same_data(job, prepared, Overheard(0))

    fewer = replace(prepared, val=prepared.val.subset(np.arange(len(prepared.val)) > 0))
    with pytest.raises(ClusterError, match=r"Other rows than the chief's were found by worker 1 \(b:1\): another man"):
        require_same_data(job, fewer, Overheard(1))
    with pytest.raises(ClusterError, match=r"found by worker 1 \(b:1\)"):
        require_same_data(job, prepared, Overheard(0, differing=1))


def test_a_lost_worker_becomes_a_sentence() -> None:
    gone = tf.errors.UnavailableError(
        None, None, "Graph:\nCollective ops is aborted by: Connection reset by peer\nmore"
    )

    message = r"gone \(Connection reset by peer\), and worker 1 of 2 \(.*\) can't go on"
    with pytest.raises(ClusterError, match=message), of(2, 1).reporting_lost_workers():
        raise gone
    with pytest.raises(tf.errors.ResourceExhaustedError), of(2, 1).reporting_lost_workers():
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")


def test_what_keras_sums_gradients_in_is_what_is_replaced() -> None:
    # Or they would be summed once more, without a word.
    assert any("_all_reduce_sum_gradients" in vars(base) for base in keras.optimizers.AdamW.__mro__)


def test_devices_that_are_not_there_are_named() -> None:
    with pytest.raises(ClusterError, match=r"There is no device 'GPU:9' to train on\. Known here: no GPU, CPU:0"):
        Replicas.of_devices(["GPU:9"])
    with pytest.raises(ClusterError, match="no device 'cpu'"):
        Replicas.of_devices(["cpu"])


def test_one_device_is_no_replicas() -> None:
    assert Replicas.of_devices([]) is None
    assert Replicas.of_devices(["CPU:0"]) is None
