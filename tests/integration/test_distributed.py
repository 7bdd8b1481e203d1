"""Two workers on loopback: equal to one, and broken off and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests import tiny
from tests.integration.server import free_port
from tests.training.two_replicas import spec_without_dropout

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Project:
    """A folder with a recipe whose runs are made in it, and the processes that were started there."""

    home: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, *options: str, workers: int = 2, data: tuple[str, ...] = ("recipe.yaml",)
    ) -> list[subprocess.Popen[str]]:
        """The processes of one `fit`, the chief first; a worker reads the recipe at its place in `data`, or the last."""
        cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(workers)]}
        these = []
        for index in range(workers):
            config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
            environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
            if workers == 1:
                del environment["TF_CONFIG"]
            recipe = data[min(index, len(data) - 1)]
            command = [sys.executable, "-m", "training", "fit", recipe, "--cache-dir", f"cache-{index}", *options]
            these.append(
                subprocess.Popen(
                    command, cwd=self.home, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                )
            )
        self.started.extend(these)
        return these

    def finish(self, *options: str, workers: int = 2) -> None:
        for process in self.start(*options, workers=workers):
            said, _ = process.communicate(timeout=300)
            assert process.returncode == 0, said

    def log(self, run: str) -> list[dict[str, float]]:
        file = self.home / "runs" / run / "log.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []

    def wait_for(self, run: str, epochs: int) -> None:
        end = time.monotonic() + 240
        while len(self.log(run)) < epochs:
            assert time.monotonic() < end, "the run does not get on"
            time.sleep(0.05)

    def losses(self, run: str) -> list[float]:
        return [loss for epoch in self.log(run) for loss in (epoch["loss"], epoch["val_loss"])]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Five steps an epoch, the last of them of four rows."""
    home = tmp_path_factory.mktemp("distributed")
    recipe = tiny.recipe(tiny.write_manifest(home / "data"), epochs=5, ema_decay=0.9, checkpoint_every_s=0.01)
    whole = recipe.model_dump(mode="json")
    (home / "dropping.yaml").write_text(yaml.safe_dump(whole))
    spec = spec_without_dropout(recipe.spec.with_labels({"colour": tuple(tiny.COLOURS)}))
    (home / "recipe.yaml").write_text(yaml.safe_dump({**whole, "spec": spec.model_dump(mode="json")}))
    project = Project(home)
    yield project
    for process in project.started:  # of a test that failed
        with process:
            process.kill()


def ended(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str]]:
    """Exit code and what was said, of each."""
    said = [process.communicate(timeout=200)[0] for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]


def test_two_workers_train_as_one_with_the_same_batches(project: Project) -> None:
    project.finish("--run", "one", "--no-publish", workers=1)
    project.finish("--run", "two")

    one, two = project.losses("one"), project.losses("two")
    assert len(one) == 10
    assert max(abs(a - b) for a, b in zip(one, two, strict=True)) < 1e-5
    assert (project.home / "models" / "tiny" / "1" / "saved_model.pb").is_file()


def test_a_run_goes_on_after_a_worker_was_killed(project: Project) -> None:
    options = ("--epochs", "25", "--no-publish")
    chief, worker = project.start("--run", "killed", *options, data=("dropping.yaml",))
    project.wait_for("killed", 3)
    worker.kill()
    (code, said), _ = ended([chief, worker])
    assert code == 1
    assert "Another worker is gone" in said
    assert "fit --resume runs/killed" in said
    before = len(project.log("killed"))

    results = ended(project.start("--run", "killed", *options, data=("dropping.yaml",)))
    assert [code for code, _ in results] == [0, 0], results
    assert "going on in epoch" in results[0][1]
    assert [epoch["epoch"] for epoch in project.log("killed")] == list(range(1, len(project.log("killed")) + 1))
    assert len(project.log("killed")) > before

    assert [code for code, _ in ended(project.start("--run", "whole", *options, data=("dropping.yaml",)))] == [0, 0]
    assert project.losses("killed") == project.losses("whole")


def test_a_worker_that_is_asked_to_stop_stops_them_all_after_the_same_step(project: Project) -> None:
    chief, worker = project.start("--run", "stopped", "--epochs", "9999", "--no-publish")
    project.wait_for("stopped", 2)
    worker.send_signal(signal.SIGTERM)
    (chief_code, chief_said), (worker_code, worker_said) = ended([chief, worker])

    assert (chief_code, worker_code) == (143, 143)
    step = worker_said.strip().splitlines()[-1]
    assert step.startswith("Stopped in epoch")
    assert step in chief_said


def test_a_worker_with_other_rows_is_named(project: Project) -> None:
    fewer = project.home / "fewer"
    tiny.write_manifest(fewer, rows=57)
    recipe = yaml.safe_load((project.home / "recipe.yaml").read_text())
    recipe["data"]["manifest"] = str(fewer / "manifest.csv")
    (project.home / "fewer.yaml").write_text(yaml.safe_dump(recipe))
    results = ended(project.start("--run", "other", data=("recipe.yaml", "fewer.yaml")))

    assert [code for code, _ in results] == [1, 1]
    assert all("Other rows than the chief's were found by worker 1" in said for _, said in results)
    assert not (project.home / "runs" / "other").exists()
