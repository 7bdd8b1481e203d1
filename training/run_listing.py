"""The runs of a folder with what came of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from model.bundle import versions
from model.errors import BifocalError, SpecError, StorageError
from model.validation import nearest
from training.numbers import LOWER_IS_BETTER, METRICS
from training.run_lock import is_worked_on
from training.runs import Run

State = Literal["finished", "running", "interrupted", "failed"]
BY_TIME = "started"
# What runs can be sorted by besides the metrics; the higher first.
_OWN_KEYS = (BY_TIME, "seconds", "parameters", "epochs")


@dataclass(frozen=True)
class Listed:
    """A run as a list of runs shows it. What is not known is None or empty.

    Args:
        path: of the folder.
        name: of the model.
        started: when, in UTC.
        state: `running` is being trained on this machine; `interrupted` can be gone on with; `failed` can't.
        note: how to go on, or why it can't be read.
        epochs: that are done.
        planned_epochs: that the recipe asks for.
        rows: of each split.
        metrics: for each head its test metrics, each with `value`, `low` and `high`.
        parameters: weights of the network.
        seconds: that it took.
        published: versions of the model in its models folder that are this run's bundle.
    """

    path: Path
    name: str
    started: datetime
    state: State
    note: str = ""
    epochs: int = 0
    planned_epochs: int | None = None
    rows: Mapping[str, int] | None = None
    metrics: Mapping[str, Mapping[str, Any]] | None = None
    parameters: int | None = None
    seconds: float | None = None
    published: Sequence[int] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "path": str(self.path), "started": self.started.isoformat()}

    def metric(self, name: str) -> Mapping[str, float] | None:
        """A metric of the first head that has it: of a few rows one may be undefined."""
        found = (figures.get(name) for figures in (self.metrics or {}).values())
        return next((metric for metric in found if metric is not None), None)


def find(runs: Path) -> list[Path]:
    """The run folders in a folder.

    Raises:
        StorageError: if there is no such folder.
    """
    if not runs.is_dir():
        raise StorageError(f"There is no folder {runs}. Name that of your runs with --runs-dir.")
    return sorted(path.parent for path in runs.glob("*/recipe.yaml"))


def resolve(name: str, runs: Path) -> Path:
    """The run folder that is meant: a path, or the name of one in the folder of runs.

    Raises:
        StorageError: if there is none.
    """
    for path in (Path(name), runs / name):
        if (path / "recipe.yaml").is_file():
            return path
    known = [path.name for path in find(runs)] if runs.is_dir() else []
    raise StorageError(f"There is no run {name!r}, neither as a folder nor in {runs}{nearest(name, known)}")


def read(path: Path) -> Listed:
    """A run folder; one that can't be read is listed as such."""
    run = Run.open(path)
    started = _started(path)
    try:
        recipe, metrics, log = run.recipe(), run.metrics(), run.log()
    except BifocalError as error:
        return Listed(path, path.name, started, "failed", note=str(error).splitlines()[0])
    state, note = _state(run)
    return Listed(
        path=path,
        name=recipe.name,
        started=started,
        state=state,
        note=note,
        epochs=max((int(line["epoch"]) for line in log if "epoch" in line), default=0),
        planned_epochs=recipe.training.epochs,
        rows=_rows(run),
        metrics={head: figures["metrics"] for head, figures in metrics.get("test", {}).items() if "metrics" in figures},
        parameters=metrics.get("parameters"),
        seconds=metrics.get("seconds"),
        published=_published(run, recipe.name),
    )


def in_order(runs: Sequence[Listed], key: str) -> list[Listed]:
    """Runs sorted by a key: the latest first, or the best by a metric, of several heads that of the first that has it;
    those without it last.

    Raises:
        SpecError: if there is no such key.
    """
    if key not in (*_OWN_KEYS, *METRICS):
        raise SpecError(f"--sort: no key {key!r}{nearest(key, [*_OWN_KEYS, *METRICS])}")

    def rank(run: Listed) -> tuple[bool, float]:
        value = _value(run, key)
        return (value is None, 0.0) if value is None else (False, value if key in LOWER_IS_BETTER else -value)

    return sorted(runs, key=rank)


def _value(run: Listed, key: str) -> float | None:
    if key == BY_TIME:
        return run.started.timestamp()
    if key in _OWN_KEYS:
        own: float | None = getattr(run, key)
        return own
    metric = run.metric(key)
    return metric["value"] if metric else None


def _state(run: Run) -> tuple[State, str]:
    if run.is_finished:
        return "finished", ""
    if is_worked_on(run.path):
        return "running", ""
    if run.can_be_resumed:
        return "interrupted", f"go on: bifocal-training fit --resume {run.path}"
    return "failed", "it ended before there was anything to go on from"


def _started(path: Path) -> datetime:
    """The time in the folder's name; of a folder that was renamed that of its recipe."""
    for part in (
        path.name[-15:],
        path.name.rpartition("-")[0][-15:],
    ):  # the second of two runs in one second ends in -2
        try:
            return datetime.strptime(part, "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            continue
    return datetime.fromtimestamp((path / "recipe.yaml").stat().st_mtime, UTC)


def _rows(run: Run) -> dict[str, int] | None:
    """Rows of each split, as the bundle says. It is not looked through for damage: that takes a while for many runs."""
    try:
        text = _metadata_file(run.bundle).read_text(encoding="utf-8")
        rows: dict[str, int] = json.loads(text)["training_data"]["rows"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return rows


def _published(run: Run, name: str) -> list[int]:
    """The versions that are copies of the run's bundle. Each bundle says when it was made, so no two are equal."""
    try:
        own = _metadata_file(run.bundle).read_bytes()
        home = run.request().models / name
        return [number for number in versions(home) if _metadata_file(home / str(number)).read_bytes() == own]
    except (OSError, BifocalError):
        return []


def _metadata_file(bundle: Path) -> Path:
    return bundle / "assets.extra" / "bifocal.json"
