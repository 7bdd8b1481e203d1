"""`bifocal-service score`: a whole table through a model, without a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from model.errors import ManifestError

if TYPE_CHECKING:
    from model.bundle import Bundle
    from service.scoring.score import Summary
    from service.scoring.scorer import Scorer
    from service.settings import Settings


def score(
    bundle: Annotated[
        Path,
        typer.Argument(help="Bundle, or a folder of them, as models/NAME: its newest version.", show_default=False),
    ],
    manifest: Annotated[
        Path, typer.Argument(help="Table of examples: CSV, TSV, JSONL or Parquet.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Result: a name ending in .parquet, .csv or .jsonl.", show_default=False)],
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="INPUT=COLUMN", help="Column of an input that is not called as the input. Repeatable."),
    ] = None,
    image_root: Annotated[
        Path | None, typer.Option(help="Folder that picture paths are relative to; else the manifest's.")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(min=1, help="Examples that the model takes at once.  [default: 32]", show_default=False),
    ] = None,
    max_bad: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of unusable rows above which the exit code is 1.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="Forget what a stopped run left; replace a result that is there.")
    ] = False,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Score in this process, or on a Ray cluster.")
    ] = "local",
    ray_address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT|auto", envvar="RAY_ADDRESS", help="Running Ray cluster; else one on this machine."
        ),
    ] = None,
    ray_actors: Annotated[
        int | None,
        typer.Option(min=1, help="Processes with a loaded model; as many as there is room for if not given."),
    ] = None,
    ray_cpus: Annotated[int | None, typer.Option(min=1, help="CPUs of each; at most 8 if not given.")] = None,
) -> None:
    """Score every row of a table, however long it is.

        bifocal-service score models/listings listings.csv --out predictions.parquet

    A run that was stopped goes on where it was when it is started again. Rows that can't be used are listed with the
    reason in predictions.bad.csv. With --engine ray many machines share the rows. docs/scoring.md says more.
    """
    from service.commands.local import find_bundle
    from service.scoring.progress import Progress
    from service.scoring.score import Order, score
    from service.scoring.scorer import LocalScorer
    from service.settings import load_settings

    cluster = {"address": ray_address, "actors": ray_actors, "cpus": ray_cpus} if engine == "ray" else None
    if cluster is None and (ray_actors or ray_cpus):
        raise typer.BadParameter("--ray-actors and --ray-cpus are for --engine ray.")
    given: dict[str, Any] = {} if batch_size is None else {"max_batch_size": batch_size}
    order = Order(manifest, out, _columns(column or []), image_root, restart)
    progress = Progress(sys.stderr)
    settings = load_settings(given)
    found = find_bundle(bundle)
    scorer = LocalScorer(found, settings) if cluster is None else _on_cluster(found, settings, cluster)
    done = score(found, order, scorer=scorer, settings=settings, progress=progress)
    _tell(done, out)
    if max_bad is not None and done.share_bad > max_bad:
        raise ManifestError(
            f"{done.bad:,} of {done.rows:,} rows could not be scored ({done.share_bad:.1%}; --max-bad allows "
            f"{max_bad:.1%}). {done.bad_file} says why."
        )


def _on_cluster(bundle: Bundle, settings: Settings, cluster: dict[str, Any]) -> Scorer:
    from service.scoring.cluster.scorer import ClusterScorer

    return ClusterScorer(bundle, settings, **cluster)


def _columns(options: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for option in options:
        name, equals, column = option.partition("=")
        if not (name and equals and column):
            raise typer.BadParameter(f"--column {option}: expected INPUT=COLUMN, as in image=photo_path.")
        if name in columns:
            raise typer.BadParameter(f"--column {option}: {name!r} has a column already.")
        columns[name] = column
    return columns


def _tell(done: Summary, out: Path) -> None:
    earlier = f", {done.resumed:,} of them scored by an earlier run" if done.resumed else ""
    typer.echo(f"{done.rows:,} rows{earlier}: {out}")
    if done.left_out:
        typer.echo(f"without {', '.join(done.left_out)}: the manifest has no such column")
    if done.bad:
        typer.echo(f"{done.bad:,} of them could not be scored: {done.bad_file} says why")
