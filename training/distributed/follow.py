"""A worker that is not the chief: trains along, and leaves run, test and export to the chief."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from training.distributed.job import Job, receive, require_same_data
from training.distributed.replicas import Replicas
from training.epoch import Epoch, Listener
from training.prepare import Prepared
from training.progress import Reporter
from training.stopping import Stop
from training.trained import train_spec


def follow(data: Prepared, replicas: Replicas, reporter: Reporter, *, stop: Stop) -> None:
    """Trains every network that the chief trains, until the chief is done with everything.

    Args:
        data: the same rows as the chief's; the pictures of its own part are all that are read while training.
        replicas: of the cluster.
        reporter: told of epochs.
        stop: said to all workers, which then stop after the same step.

    Raises:
        ClusterError: if another worker is gone, or has other rows.
        SpecError: if training diverges, in all workers alike.
        StoppedError: if any worker was asked to stop.
    """
    reporter.say("the chief writes the run, tests and publishes; this worker trains along")
    while (job := receive(replicas)) is not None:
        require_same_data(job, data, replicas)
        _train(job, data, replicas, reporter, stop)
    reporter.say("the chief is done")


def _train(job: Job, data: Prepared, replicas: Replicas, reporter: Reporter, stop: Stop) -> None:
    settings = job.training_settings()
    recipe = data.recipe.model_copy(update={"training": settings})

    def after_epoch(epoch: Epoch, is_best: bool) -> None:  # noqa: ARG001
        reporter.say(f"epoch {epoch.epoch:>3}/{settings.epochs}  loss {epoch.loss:.3f}  val loss {epoch.val_loss:.3f}")

    with tempfile.TemporaryDirectory(prefix="bifocal-") as folder, reporter.task("Training along") as task:
        train_spec(
            job.model_spec(),
            replace(data, recipe=recipe),
            job.write_vocabularies(Path(folder)),
            Listener(task.step, after_epoch),
            stop=stop,
            replicas=replicas,
        )
