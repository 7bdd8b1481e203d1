"""The training curves as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from training.epoch import Epoch


def draw(history: Sequence[Epoch], best: Epoch, file: Path, *, title: str) -> None:
    """Draws loss and validation accuracy by epoch and marks the epoch that was kept.

    Args:
        history: all epochs.
        best: the one whose weights were kept.
        file: a PNG.
        title: above the picture.
    """
    epochs = [epoch.epoch for epoch in history]
    marker = "o" if len(epochs) == 1 else ""  # a line through one point can't be seen
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    loss.plot(epochs, [epoch.loss for epoch in history], marker=marker, label="training")
    loss.plot(epochs, [epoch.val_loss for epoch in history], marker=marker, label="validation")
    loss.set(xlabel="epoch", ylabel="loss (nats)", ylim=(0, None))
    accuracy.plot(epochs, [epoch.val_accuracy for epoch in history], marker=marker, color="C1", label="validation")
    accuracy.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1))
    for axes in (loss, accuracy):
        axes.axvline(best.epoch, color="0.6", linestyle=":", label=f"kept: epoch {best.epoch}")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend()
        axes.grid(alpha=0.25)
    figure.suptitle(title)
    figure.savefig(file, dpi=110)
