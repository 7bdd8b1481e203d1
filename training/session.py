"""One process at work on a run: each network that it trains can be gone on with by the next."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from model.spec import ModelSpec
from training.checkpoint import Checkpoint
from training.course import Course
from training.distributed.replicas import Replicas
from training.epoch import Epoch, Listener
from training.journal import Journal
from training.prepare import Prepared
from training.progress import Reporter, Task
from training.reuse import Reuse
from training.runs import Run
from training.stopping import Stop
from training.trained import Trained, train_spec
from training.training_settings import TrainingSettings


@dataclass
class Session:
    """What every step of a run needs.

    Args:
        run: the folder.
        data: the examples, and the recipe they were made by.
        vocabularies: for each branch over text or tags, one token a line.
        reporter: told how it goes.
        stop: says whether to end.
        before_s: seconds that earlier processes trained in this run.
        replicas: that share each batch out; None for one alone.
    """

    run: Run
    data: Prepared
    vocabularies: Mapping[str, Path]
    reporter: Reporter
    stop: Stop
    before_s: float = 0.0
    replicas: Replicas | None = None

    @cached_property
    def reuse(self) -> Reuse:
        """Earlier models to start from; not asked for once all has begun, and then they may be gone."""
        return Reuse(self.data.recipe.training.init)

    def train(self, name: str, *, title: str = "Training", data: Prepared | None = None) -> Trained:
        """Trains the recipe's spec, or goes on with it, and writes the epochs down.

        Args:
            name: of the network in the run, of which its checkpoint is called.
            title: what the user is told is done.
            data: with a recipe of other settings; the session's if not given.
        """
        data = data or self.data
        settings = data.recipe.training
        checkpoint = self.run.checkpoint(name, every_s=settings.checkpoint_every_s)
        before = self._before(checkpoint)
        with (
            Journal(self.run, name, monitor=settings.monitor, before=before.history) as journal,
            self.reporter.task(title) as task,
        ):
            if checkpoint.exists and not before.ended:
                self.reporter.say(f"going on in epoch {before.epoch} after step {before.step}")
                steps_per_epoch = math.ceil(len(data.train) / settings.batch_size)
                task.begin((before.epoch - 1) * steps_per_epoch + before.step)

            def after_epoch(epoch: Epoch, is_best: bool) -> None:
                journal.add(epoch)
                self._tell(epoch, task, settings, is_best)

            listener = Listener(task.step, after_epoch)
            return train_spec(
                data.recipe.spec,
                data,
                self.vocabularies,
                listener,
                None if checkpoint.exists else self.reuse,
                self.reporter.say,
                checkpoint=checkpoint,
                stop=self.stop,
                replicas=self.replicas,
            )

    def train_part(self, name: str, spec: ModelSpec, *, title: str) -> Trained:
        """Trains a part of the recipe's spec, or goes on with it.

        Args:
            name: of the network in the run.
            spec: with fewer inputs.
            title: what the user is told is done.
        """
        checkpoint = self.run.checkpoint(name, every_s=self.data.recipe.training.checkpoint_every_s)
        self._before(checkpoint)
        with self.reporter.task(title) as task:
            listener = Listener(task.step, lambda *_: None)
            return train_spec(
                spec,
                self.data,
                self.vocabularies,
                listener,
                None if checkpoint.exists else self.reuse.of_branches(),
                checkpoint=checkpoint,
                stop=self.stop,
                replicas=self.replicas,
            )

    def _before(self, checkpoint: Checkpoint) -> Course:
        """What earlier processes did of a network."""
        course = checkpoint.read_course() if checkpoint.exists else Course()
        self.before_s += course.total_s
        return course

    def _tell(self, epoch: Epoch, task: Task, settings: TrainingSettings, is_best: bool) -> None:
        if epoch.epoch == settings.unfreeze_at_epoch:
            self.reporter.say(f"from epoch {epoch.epoch} on, these train too: {', '.join(settings.freeze)}")
        figures = f"val loss {epoch.val_loss:.3f}  val accuracy {epoch.val_accuracy:.3f}"
        if settings.monitor not in ("loss", "accuracy"):
            figures += f"  val {settings.monitor} {epoch.monitored:.3f}"
        task.standing = figures.rpartition("  ")[2]
        self.reporter.say(
            f"epoch {epoch.epoch:>3}/{settings.epochs}  loss {epoch.loss:.3f}  {figures}"
            f"{' *' if is_best else '  '}  {epoch.examples_per_s:,.0f} examples/s"
        )
