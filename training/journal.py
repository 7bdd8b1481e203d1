"""The epochs of a training as they end: a line each in `log.jsonl`, and curves for TensorBoard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import tensorflow as tf

from model.errors import StorageError
from training.epoch import Epoch
from training.runs import Run

# What of an epoch TensorBoard draws, and under which name.
_CURVES = {
    "loss": "loss/training",
    "val_loss": "loss/validation",
    "val_accuracy": "validation/accuracy",
    "learning_rate": "learning_rate",
    "examples_per_s": "speed/examples_per_s",
    "waited_s": "speed/waited_s",
}


class Journal:
    """What is written down of one network's training.

    Args:
        run: whose folder it is written to.
        name: of the network, if there are several in the run.
        monitor: what the monitored figure is called.
        before: the epochs of an earlier process. The log is written anew with them: one that was killed may have
            written an epoch down that is to come again, or not yet the last one that is saved.
    """

    def __init__(self, run: Run, name: str, *, monitor: str, before: Sequence[Epoch] = ()) -> None:
        self._run = run
        self._monitor = monitor
        run.rewrite_log(epoch.as_dict() for epoch in before)
        self._writer = tf.summary.create_file_writer(str(run.path / "tensorboard" / name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    def add(self, epoch: Epoch) -> None:
        """Writes an epoch down."""
        figures = epoch.as_dict()
        self._run.append_log(figures)
        curves = {**_CURVES, "monitored": f"validation/{self._monitor}"}
        if self._monitor in ("loss", "accuracy"):
            del curves["monitored"]  # drawn already
        try:
            with self._writer.as_default(epoch.epoch):
                for key, name in curves.items():
                    tf.summary.scalar(name, figures[key])
            self._writer.flush()
        except tf.errors.OpError as error:
            raise StorageError(f"The curves for TensorBoard can't be written: {error.message}.") from error


def how_to_open(run: Run) -> str:
    """The command that shows the curves."""
    return f"tensorboard --logdir {Path(run.path / 'tensorboard')}"
