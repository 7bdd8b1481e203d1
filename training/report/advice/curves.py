"""Advice from the curves of the training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from training.report.advice.advice import Advice
from training.run_contents import Contents

Log = Sequence[Mapping[str, Any]]

# A loss of that many times the lowest before is a jump.
JUMP = 1.5
# A training loss that is still more than this share of the first has hardly fallen.
FALLEN = 0.9
# Of validation: what is above the lowest by this share rises, what falls by as much still gets better.
CHANGE = 0.02
# Of training: it goes on learning what validation does not need, if it falls below this share meanwhile.
BY_HEART = 0.8


def rules(run: Contents) -> Iterator[Advice]:
    """What the losses by epoch say."""
    log = [line for line in run.log if math.isfinite(line["loss"]) and math.isfinite(line["val_loss"])]
    if len(log) < 3:
        return
    yield from _unstable(run, log)
    yield from _never_fell(run, log)
    yield from _overfitting(log)
    yield from _still_improving(run, log)


def _overfitting(log: Log) -> Iterator[Advice]:
    lowest, last = min(log, key=lambda line: line["val_loss"]), log[-1]
    if last["val_loss"] > (1 + CHANGE) * lowest["val_loss"] and last["loss"] < BY_HEART * lowest["loss"]:
        kept = next((line["epoch"] for line in reversed(log) if line.get("best")), lowest["epoch"])
        yield Advice(
            "It learns the training rows by heart",
            f"From epoch {lowest['epoch']} to {last['epoch']} the training loss falls from {lowest['loss']:.3f} to "
            f"{last['loss']:.3f}, while the validation loss rises from {lowest['val_loss']:.3f} to "
            f"{last['val_loss']:.3f}. The weights of epoch {kept} were kept.",
            "Vary the pictures and words in training, drop more features, or give it more rows; with fewer epochs or "
            "some patience it would also be done sooner.",
            ("training.augment", "spec.trunk.dropout", "training.weight_decay", "training.patience"),
        )


def _unstable(run: Contents, log: Log) -> Iterator[Advice]:
    lowest = math.inf
    for line in log:
        if line["loss"] > JUMP * lowest:
            yield Advice(
                "Training is unstable",
                f"The training loss, which was {lowest:.3f} before, is {line['loss']:.3f} in epoch {line['epoch']}.",
                f"A lower learning rate (it is {run.recipe.training.learning_rate:g}), a longer warm-up, or shorter "
                "gradients.",
                ("training.learning_rate", "training.warmup_epochs", "training.clip_norm"),
            )
            return
        lowest = min(lowest, line["loss"])


def _never_fell(run: Contents, log: Log) -> Iterator[Advice]:
    first, last = log[0]["loss"], min(line["loss"] for line in log)
    if last > FALLEN * first:
        yield Advice(
            "It hardly learns",
            f"The training loss is {first:.3f} in the first epoch and at best {last:.3f} in {len(log)}.",
            f"Another learning rate (it is {run.recipe.training.learning_rate:g}; try a third and three times that), "
            "more epochs, wider branches. If it stays, look whether the columns can tell the labels at all.",
            ("training.learning_rate", "training.epochs", "spec.branches", "data.columns"),
        )


def _still_improving(run: Contents, log: Log) -> Iterator[Advice]:
    epochs, last = run.recipe.training.epochs, log[-1]
    earlier = log[: -max(1, len(log) // 5)]
    lowest = min(line["val_loss"] for line in earlier)
    if last["epoch"] == epochs and last["val_loss"] < (1 - CHANGE) * lowest:
        yield Advice(
            "It was still getting better when it ended",
            f"The validation loss fell from {lowest:.3f} to {last['val_loss']:.3f} over the last "
            f"{last['epoch'] - earlier[-1]['epoch']} of {epochs} epochs.",
            f"More epochs, {2 * epochs} say; the learning rate then falls over all of them.",
            ("training.epochs",),
        )
