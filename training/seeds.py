"""The same recipe from several seeds: the best by validation is kept, and the spread told."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from training.calibrated import Figures, test_figures
from training.monitor import Monitor
from training.session import Session
from training.trained import Trained


@dataclass(frozen=True)
class Kept:
    """The best of several trainings.

    Args:
        trained: its network.
        seed: it began from.
        spread: as `metrics.json` holds it under `seeds`; None for one seed.
    """

    trained: Trained
    seed: int
    spread: dict[str, Any] | None = None


def train_seeds(session: Session, count: int) -> Kept:
    """Trains a recipe from its seed on, or goes on with it.

    Args:
        session: of the run.
        count: how many seeds.

    Returns:
        The one whose best epoch has the best validation figure of them all; the test split has no say.
    """
    first = session.data.recipe.training.seed
    if count == 1:
        return Kept(session.train("model"), first)
    spec, settings = session.data.recipe.spec, session.data.recipe.training
    monitor = Monitor(settings.monitor, spec)
    best_score: tuple[float, float] | None = None
    precision = settings.precision
    validation: dict[int, dict[str, float]] = {}
    test: dict[int, Figures] = {}
    for seed in range(first, first + count):
        recipe = session.data.recipe.replace(training={"seed": seed, "precision": precision})
        title = f"Training seed {seed} ({seed - first + 1} of {count})"
        session.reporter.say(title)
        trained = session.train(f"seed-{seed}", title=title, data=replace(session.data, recipe=recipe))
        precision = trained.course.precision  # tried once
        session.run.write_lines(f"seed-{seed}.jsonl", (epoch.as_dict() for epoch in trained.history))
        best = trained.best
        validation[seed] = {"epoch": best.epoch, "loss": best.val_loss, "accuracy": best.val_accuracy}
        validation[seed][settings.monitor] = best.monitored
        test[seed] = test_figures(trained, session.data)
        score = monitor.score(best.monitored, best.val_loss, best.val_accuracy)
        if best_score is None or score > best_score:
            best_score, kept_seed, kept = score, seed, trained
    session.run.rewrite_log(epoch.as_dict() for epoch in kept.history)
    return Kept(kept, kept_seed, spread(validation, test, kept=kept_seed, monitor=settings.monitor))


def spread(
    validation: Mapping[int, Mapping[str, float]], test: Mapping[int, Figures], *, kept: int, monitor: str
) -> dict[str, Any]:
    """How far seeds lie apart.

    Args:
        validation: for each seed the figures of its best epoch.
        test: for each seed and head the figures on the test split.
        kept: the seed that was kept.
        monitor: by which figure.

    Returns:
        `kept`, `monitor`, `validation` by seed, and `test`: for each head and figure `mean`, `standard_deviation`
        (of the sample) and `values` in the order of the seeds.
    """
    first, *others = test.values()
    # A figure that is undefined for one of them has no mean.
    defined = {
        head: [name for name in names if all(name in one[head] for one in others)] for head, names in first.items()
    }
    return {
        "kept": kept,
        "monitor": monitor,
        "validation": {str(seed): dict(figures) for seed, figures in validation.items()},
        "test": {
            head: {name: _spread_of([found[head][name] for found in test.values()]) for name in names}
            for head, names in defined.items()
        },
    }


def _spread_of(values: Sequence[float]) -> dict[str, Any]:
    return {"mean": statistics.mean(values), "standard_deviation": statistics.stdev(values), "values": list(values)}
