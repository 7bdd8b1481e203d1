"""A `fit` as one process: alone, as the chief of a cluster, or as a worker that trains along."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from model.errors import ClusterError, StorageError
from model.kernels import avoid_onednn
from training.commands.console import reporter as console_reporter
from training.distributed.cluster import VARIABLE, Cluster

if TYPE_CHECKING:
    from training.distributed.replicas import Replicas
    from training.prepare import Prepared
    from training.progress import Reporter
    from training.recipe import Recipe
    from training.request import Request
    from training.runs import Folders
    from training.stopping import Stop

# What of a request decides what is trained, and how it is judged.
_OF_THE_WEIGHTS = {"seeds", "alone", "source", "gate_metric", "gate_tolerance"}


def begin(recipe: Recipe, folders: Folders, request: Request, *, devices: str | None) -> None:
    """Begins a run, or trains along.

    Args:
        recipe: by which it is made.
        folders: where the chief writes.
        request: what else is asked for.
        devices: names of local ones with commas between them; None for all GPUs.
    """
    from training.convolutions import require
    from training.prepare import prepare
    from training.stopping import Stop

    reporter, cluster = console_reporter(), _cluster(devices)
    # Before TensorFlow is imported: what is wrong with folders, settings and data is told at once.
    if cluster is None or cluster.is_chief:
        folders.require_writable()
        require(recipe.training.convolutions)
    with Stop() as stop:
        data = prepare(recipe, cache_dir=request.cache, reporter=reporter)
        replicas = _replicas(cluster, devices, reporter, stop)
        if _followed(data, replicas, reporter, stop):
            return
        from training.fit import fit

        fit(data, folders, reporter, request=request, stop=stop, replicas=replicas)


def go_on(path: Path, *, gate: bool | None, publish: bool | None, devices: str | None) -> None:
    """Goes on with a run, or trains along.

    Args:
        path: folder of the run.
        gate, publish: None is as it was asked for at first.
        devices: as for `begin`.
    """
    from training.outcome import publish_finished
    from training.prepare import prepare
    from training.runs import Run
    from training.stopping import Stop

    reporter, cluster = console_reporter(), _cluster(devices)
    run = Run.open(path)
    recipe, request = run.recipe(), run.request()
    if run.is_finished and cluster is not None and not cluster.is_chief:
        reporter.say(f"{run.name} is trained; what is left to be done is the chief's.")
        return
    if run.is_finished and not (gate and run.metrics().get("published") is None):
        publish_finished(run, reporter, publish=publish, gate=gate)
        return
    changes = {key: value for key, value in (("gate", gate), ("publish", publish)) if value is not None}
    request = request.model_copy(update=changes)
    with Stop() as stop:
        request.require_same_manifest(recipe)
        data = prepare(recipe, cache_dir=request.cache, reporter=reporter)
        # What judges and publishes needs no others.
        replicas = _replicas(None if run.is_finished else cluster, devices, reporter, stop)
        if _followed(data, replicas, reporter, stop):
            return
        from training.fit import resume

        resume(run, data, reporter, request=request, stop=stop, replicas=replicas)


def begun_before(runs: Path, name: str, recipe: Recipe, request: Request) -> Path | None:
    """The folder of a run that was begun by this recipe and request; None if there is none of that name.

    Raises:
        StorageError: if the run of that name was begun by others.
        ManifestError: if the manifest was changed since.
    """
    from training.recipe_difference import differing, differing_keys
    from training.runs import Run

    path = runs / name
    if not (path / "fit.json").is_file():
        return None
    run = Run.open(path)
    before, asked = run.recipe(), run.request()
    labels = {head: given.labels for head, given in before.spec.heads.items() if head in recipe.spec.heads}
    others = differing_keys(before, recipe.with_labels(labels))
    others |= differing(*(one.model_dump(mode="json", include=_OF_THE_WEIGHTS) for one in (asked, request)))
    if others:
        key, (then, now) = next(iter(others.items()))
        raise StorageError(
            f"{path} was begun by another recipe or other options: {key} is {then!r} there and {now!r} now. Name "
            "another --run, or delete that folder."
        )
    asked.require_same_manifest(before)
    return path


def _cluster(devices: str | None) -> Cluster | None:
    cluster = Cluster.from_environment(os.environ)
    if cluster is not None and devices is not None:
        raise ClusterError(
            f"--devices is for one process, and {VARIABLE} names several: each of them trains on all GPUs that it sees "
            "(CUDA_VISIBLE_DEVICES)."
        )
    return cluster


def _followed(data: Prepared, replicas: Replicas | None, reporter: Reporter, stop: Stop) -> bool:
    """Trains along, if this process is not the chief; whether it did."""
    if replicas is None or replicas.is_chief:
        return False
    from training.distributed.follow import follow

    follow(data, replicas, reporter, stop=stop)
    return True


def _replicas(cluster: Cluster | None, devices: str | None, reporter: Reporter, stop: Stop) -> Replicas | None:
    """What trains together; has to be made before TensorFlow does anything else."""
    from model.greeting import filtered

    reporter.say("Starting TensorFlow ...")
    if cluster is not None or devices is not None:
        avoid_onednn(os.environ)  # a share of a batch may be empty
    with filtered():
        from training.distributed.replicas import Replicas

    if cluster is not None:
        reporter.say(f"{cluster}: waiting until all are there")
    names = [] if devices is None else [name.strip() for name in devices.split(",")]
    with stop.ending_at_once():  # TensorFlow waits for the others, and takes SIGTERM for itself
        replicas = Replicas.of_devices(names) if cluster is None else Replicas.of_cluster(cluster)
    if replicas is not None:
        reporter.say(str(replicas))
    return replicas
