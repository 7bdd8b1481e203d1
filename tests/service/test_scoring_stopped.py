"""Scoring a table: a run that is stopped goes on, and never replaces what it should not."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from model.bundle import Bundle
from model.errors import ManifestError
from tests.service.scoring import SCRIPT, run, table, texts
from tests.service.stand_in import Namer, write_bundle


class Stopping(Namer):
    """Fails once it has answered so many examples."""

    def __init__(self, bundle: Bundle, after: int) -> None:
        super().__init__(bundle)
        self.after = after

    def predict(self, examples: Sequence[Any]) -> list[Any]:
        if sum(self.batches) > self.after:
            raise RuntimeError("out of memory")
        return super().predict(examples)


def stop_in_the_middle(bundle: Bundle, manifest: Path, out: Path) -> None:
    with pytest.raises(RuntimeError, match="out of memory"):
        run(bundle, manifest, out, load=lambda bundle: Stopping(bundle, after=1300))


def test_a_run_that_was_stopped_goes_on_where_it_was(bundle: Bundle, tmp_path: Path) -> None:
    manifest, seen = texts(tmp_path / "rows.csv", ["red", "green", "", "blue"] * 600), []
    stop_in_the_middle(bundle, manifest, tmp_path / "p.csv")
    assert not (tmp_path / "p.csv").exists()

    def counting(bundle: Bundle) -> Namer:
        seen.append(Namer(bundle))
        return seen[0]

    done = run(bundle, manifest, tmp_path / "p.csv", load=counting)
    run(bundle, manifest, tmp_path / "at_once.csv", batch=7)

    assert done.resumed >= 1000
    assert (done.rows, done.bad) == (2400, 600)
    assert sum(seen[0].batches) == (2400 - done.resumed) * 3 // 4
    for kind in (".csv", ".bad.csv"):
        assert (tmp_path / f"p{kind}").read_bytes() == (tmp_path / f"at_once{kind}").read_bytes()


def test_a_changed_table_or_bundle_is_not_mixed_with_what_is_there(bundle: Bundle, tmp_path: Path) -> None:
    manifest, out = texts(tmp_path / "rows.csv", ["red"] * 2400), tmp_path / "p.csv"
    stop_in_the_middle(bundle, manifest, out)
    other = Bundle(write_bundle(tmp_path / "others", metrics={}))

    with pytest.raises(ManifestError, match=r"p\.csv\.parts/ holds rows of .* as it was then: the bundle\. Start anew"):
        run(other, manifest, out)
    texts(manifest, ["green"] * 2400)
    with pytest.raises(ManifestError, match=r"then: the manifest, the folder of the pictures\. Start"):
        run(bundle, manifest, out, image_root=tmp_path / "others")

    assert run(bundle, manifest, out, restart=True).resumed == 0
    assert {row["colour"] for row in table(out)} == {"green"}


def test_a_table_that_changes_while_it_is_read_is_noticed(bundle: Bundle, tmp_path: Path) -> None:
    manifest = texts(tmp_path / "rows.csv", ["red"] * 10)

    def changing(bundle: Bundle) -> Namer:
        texts(manifest, ["red"] * 11)
        return Namer(bundle)

    with pytest.raises(ManifestError, match=r"rows\.csv was changed while it was read\. Start anew with --restart"):
        run(bundle, manifest, tmp_path / "p.csv", load=changing)
    assert not (tmp_path / "p.csv").exists()


def test_a_result_is_not_replaced_unless_that_is_asked_for(bundle: Bundle, tmp_path: Path) -> None:
    manifest, out = texts(tmp_path / "rows.csv", ["red"]), tmp_path / "p.csv"
    run(bundle, manifest, out)

    with pytest.raises(ManifestError, match=r"p\.csv is there already\. Replace it with --restart, or choose another"):
        run(bundle, manifest, out)
    assert run(bundle, manifest, out, restart=True).rows == 1


def test_two_processes_do_not_write_the_same_result(bundle: Bundle, tmp_path: Path) -> None:
    manifest, out = texts(tmp_path / "rows.csv", ["red"]), tmp_path / "p.csv"
    refused = []

    def meanwhile(found: Bundle) -> Namer:
        with pytest.raises(ManifestError, match=r"Another process is writing .*p\.csv\.") as caught:
            run(bundle, manifest, out, restart=True)
        refused.append(caught.value)
        return Namer(found)

    run(bundle, manifest, out, load=meanwhile)
    assert len(refused) == 1


@pytest.mark.parametrize("suffix", ["csv", pytest.param("parquet", marks=pytest.mark.slow)])
def test_killed_at_any_moment_and_started_again_it_gives_what_one_run_gives(
    bundle: Bundle, tmp_path: Path, suffix: str
) -> None:
    words = [("red", "", "green", "blue")[number * number % 11 % 4] for number in range(2300)]
    manifest, out, kills = texts(tmp_path / "rows.csv", words), tmp_path / f"p.{suffix}", 0
    command = [sys.executable, "-c", SCRIPT, str(bundle.path), str(manifest), str(out)]
    for attempt in itertools.count():
        wait_s = 0.2 * 1.2**attempt  # longer and longer, so that it ends on a slow machine as well
        with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
            kills += process.poll() is None
            process.kill()
        if out.exists() and not out.with_name(f"{out.name}.parts").exists():
            break

    run(bundle, manifest, tmp_path / f"at_once.{suffix}", batch=64)
    assert kills >= 1
    assert not [file for file in tmp_path.iterdir() if "parts" in file.name or "writing" in file.name]
    assert (tmp_path / "p.bad.csv").read_bytes() == (tmp_path / "at_once.bad.csv").read_bytes()
    if suffix == "csv":
        assert out.read_bytes() == (tmp_path / "at_once.csv").read_bytes()
    else:
        assert pl.read_parquet(out).equals(pl.read_parquet(tmp_path / "at_once.parquet"))
