"""Scoring on a Ray cluster: how rows get there and back, and a run in which an actor is killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from model.bundle import Bundle
from model.errors import BundleError, ClusterError, ManifestError
from service.cli import app
from service.scoring.cluster.actor import Actor, Work
from service.scoring.cluster.chunks import outcome_in, portion_of, portions, read, rows_in, table
from service.scoring.cluster.connection import connected
from service.scoring.cluster.room import Pool, pool_for
from service.scoring.manifest import Row, open_manifest
from service.scoring.reader import Reader
from service.scoring.score import digest_of
from service.scoring.scored import Bad
from service.settings import Settings
from tests.service.stand_in import SPEC, Namer, write_bundle
from tests.tiny import write_rows

ROOT = Path(__file__).parents[2]
WORDS = ("red", "", "green", "blue")
EMPTY = [number for number in range(2000) if not WORDS[number * number % 11 % 4]]


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.csv", [{"text": WORDS[number * number % 11 % 4]} for number in range(2000)])


@pytest.fixture
def work(models: Path) -> Work:
    bundle = Bundle(write_bundle(models))
    reader = Reader(SPEC, {"text": "text"}, models)
    return Work(bundle.path, digest_of(bundle), reader, Settings(max_batch_size=4, cpus=1), Namer)


@pytest.mark.parametrize(
    ("nodes", "actors", "cpus", "pool"),
    [
        ([2], None, None, Pool(1, 2)),
        ([2], 2, None, Pool(2, 1)),
        ([16, 4], None, None, Pool(2, 8)),
        ([16, 4], 3, None, Pool(3, 5)),
        ([16, 4], None, 4, Pool(5, 4)),
        ([0, 16, 16], 2, 16, Pool(2, 16)),
    ],
)
def test_a_cluster_has_as_many_actors_as_it_has_room_for(
    nodes: list[int], actors: int | None, cpus: int | None, pool: Pool
) -> None:
    assert pool_for(nodes, actors=actors, cpus=cpus) == pool


@pytest.mark.parametrize(
    ("nodes", "actors", "cpus", "message"),
    [
        ([2], 3, None, r"no room for 3 actors of 1 CPU each: its nodes have 2 CPUs\. Ask for less with --ray-actors"),
        ([2, 2], None, 4, r"no room for 1 actor of 4 CPUs: its nodes have 2, 2 CPUs\."),
        ([], None, None, r"no room for 1 actor of 1 CPU: its nodes have no CPUs\."),
    ],
)
def test_actors_that_would_be_waited_for_in_vain_are_refused(
    nodes: list[int], actors: int | None, cpus: int | None, message: str
) -> None:
    with pytest.raises(ClusterError, match=message):
        pool_for(nodes, actors=actors, cpus=cpus)


def test_portions_hold_all_rows_and_end_where_they_are_large(tmp_path: Path) -> None:
    manifest = open_manifest(write_rows(tmp_path / "rows.csv", [{"text": word} for word in "abcdefg"]))
    large = [Row(number, {"image": bytes(1000)}) for number in range(1, 6)]

    seen = [portion_of(block) for block in read(table(b"", 0), manifest, skip=2, size=3)]

    assert [[row.cells["text"] for row in rows_in(portion)] for portion, _ in seen] == [["c", "d", "e"], ["f", "g"]]
    assert [round(share, 1) for _, share in seen] == [0.8, 1.0]
    counts = [len(rows_in(portion)) for portion, _ in portions(large, manifest, size=10, max_bytes=2000)]
    assert counts == [2, 2, 1]


def test_an_actor_says_of_each_row_what_becomes_of_it(work: Work, tmp_path: Path) -> None:
    manifest = open_manifest(write_rows(tmp_path / "rows.csv", [{"text": word} for word in WORDS]))
    actor = Actor(work)

    (block,) = read(table(b"", 0), manifest, skip=0, size=10)
    results = outcome_in(portion_of(actor(block))[0])

    assert [row.number for row in results] == [1, 2, 3, 4]
    assert results[1].outcome == Bad("all inputs are empty (text)")
    assert results[0].outcome.probabilities["colour"].argmax() == 2


def test_a_table_that_can_not_be_read_further_is_told_as_such(work: Work, tmp_path: Path) -> None:
    whole = open_manifest(write_rows(tmp_path / "rows.csv", [{"text": word} for word in WORDS]))

    class Broken:
        share_read = 0.5

        def rows(self) -> Iterator[Row]:
            yield from whole.rows()
            raise ManifestError("The file ends in the middle of a row.")

    block = list(read(table(b"", 0.0), Broken(), skip=0, size=2))[-1]  # type: ignore[arg-type]

    with pytest.raises(ManifestError, match="ends in the middle of a row"):
        outcome_in(portion_of(Actor(work)(block))[0])


def test_a_node_with_another_model_is_told_by_the_actor(work: Work) -> None:
    block = Actor(replace(work, digest="0"))(table(b"", 0.5))

    with pytest.raises(BundleError, match=r"is another model on one node than on the others\. Copy it to all\."):
        outcome_in(portion_of(block)[0])


@pytest.mark.parametrize("address", ["localhost", "ray://localhost:10001", "http://a:1"])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with (
        pytest.raises(ClusterError, match=f"--ray-address {re.escape(address)}: expected HOST:PORT, as `ray start"),
        connected(address, cpus=1),
    ):
        pass


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(ClusterError, match=f"There is no Ray cluster at {address}: .* Start one with `ray start"),
            connected(address, cpus=1),
        ):
            pass


def test_without_ray_it_is_said_what_to_install(
    models: Path, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_BACKEND_LOG_LEVEL"):
        monkeypatch.setenv(name, "")  # so that what the command sets is undone
    monkeypatch.setitem(sys.modules, "ray", None)
    arguments = ["score", str(write_bundle(models)), str(manifest), "--out", str(tmp_path / "p.csv")]
    done = CliRunner().invoke(app, [*arguments, "--engine", "ray"])

    assert isinstance(done.exception, ClusterError)
    assert "needs Ray Data, which is not installed: pip install 'bifocal[ray]'" in str(done.exception)


def test_options_of_a_cluster_are_refused_where_there_is_none(tmp_path: Path) -> None:
    arguments = ["score", "models", "rows.csv", "--out", str(tmp_path / "p.csv"), "--ray-actors", "2"]
    done = CliRunner().invoke(app, arguments, env={"TERMINAL_WIDTH": "200"})

    assert done.exit_code == 2
    assert "--ray-actors and --ray-cpus are for --engine ray." in done.stderr


class KilledOnce(Namer):
    """The first of its kind is killed at its third batch, as by a machine that has no memory left."""

    def predict(self, examples: Sequence[Any]) -> list[Any]:
        if len(self.batches) >= 2:
            try:
                Path(os.environ["KILLED"]).touch(exist_ok=False)
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:
                pass
        return super().predict(examples)


SCRIPT = """
import io, sys
from pathlib import Path
from model.bundle import Bundle
from service.scoring.cluster.scorer import ClusterScorer
from service.scoring.progress import Progress
from service.scoring.score import Order, score
from service.scoring.scorer import LocalScorer
from service.settings import Settings
from tests.service.stand_in import Namer
from tests.service.test_cluster_scoring import KilledOnce

bundle, manifest = map(Path, sys.argv[1:])
bundle, settings = Bundle(bundle), Settings(max_batch_size=16, cpus=2)
scorers = {"local": LocalScorer(bundle, settings, Namer), "ray": ClusterScorer(bundle, settings, actors=2, load=KilledOnce)}
for name, scorer in scorers.items():
    order = Order(manifest, manifest.with_name(f"{name}.csv"))
    print(score(bundle, order, scorer=scorer, settings=settings, progress=Progress(io.StringIO())).bad)
"""


@pytest.mark.slow
def test_a_run_in_which_an_actor_is_killed_says_what_a_local_one_says(
    models: Path, manifest: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    killed = tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KILLED": str(killed)}
    command = [sys.executable, "-c", SCRIPT, str(write_bundle(models)), str(manifest)]
    for _ in range(3):  # Ray gives its own processes 30 s to start, which are too few on a machine that is very busy
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        if "timed out during startup" not in done.stderr:
            break
        (tmp_path / "local.csv").unlink()

    assert done.returncode == 0, done.stderr
    assert killed.exists()
    assert done.stdout.split() == [str(len(EMPTY))] * 2
    for suffix in (".csv", ".bad.csv"):
        assert (tmp_path / f"ray{suffix}").read_bytes() == (tmp_path / f"local{suffix}").read_bytes()
