"""One process at a time works on a run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from model.errors import StorageError
from tests import tiny
from training import run_listing
from training.fit import resume
from training.prepare import prepare
from training.progress import Reporter
from training.request import Request
from training.run_lock import at_work, is_worked_on
from training.runs import Run

HOLDS = """
import sys, pathlib
from training.run_lock import at_work
with at_work(pathlib.Path(sys.argv[1])):
    print("here", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_which_one_is_at_work(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        assert is_worked_on(tmp_path)
        with pytest.raises(StorageError, match=rf"is being trained by process {other.pid} already"), at_work(tmp_path):
            pass
        other.kill()  # and not by asking: the lock goes with the process

    assert not is_worked_on(tmp_path)
    with at_work(tmp_path):
        assert is_worked_on(tmp_path)
    assert not is_worked_on(tmp_path)


def test_a_run_under_way_is_listed_as_running_and_not_resumed(tiny_manifest: Path, tmp_path: Path) -> None:
    recipe, reporter = tiny.recipe(tiny_manifest), Reporter(Console(quiet=True))
    data = prepare(recipe, cache_dir=tmp_path / "cache", reporter=reporter)
    run = Run.create(tmp_path, "tiny")
    run.write_recipe(recipe)
    run.write_request(Request(models=tmp_path, cache=tmp_path / "cache", rows_sha256=data.rows_digest))

    with at_work(run.path):
        assert run_listing.read(run.path).state == "running"
        with pytest.raises(StorageError, match=r"first: it saves what it has when it is told to end\.$"):
            resume(run, data, reporter)
    assert run_listing.read(run.path).state == "interrupted"
