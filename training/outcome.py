"""What came of a run, in words; and publishing it later."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from model.errors import WorseModelError
from training.modalities import worth_withholding
from training.progress import Reporter
from training.publishing import publish_once
from training.runs import Run


def tell(run: Run, reporter: Reporter) -> None:
    """Says how good the model of a finished run is and where it is."""
    metrics, several = run.metrics(), worth_withholding(run.recipe().spec)
    for head, figures in metrics["test"].items():
        for line in _of_head(head, figures, metrics, several):
            reporter.say(line)
    if known := metrics.get("test_rows_known_to_source"):
        reporter.say(
            f"warning: {known:,} of these test rows are ones that the model it started from had learned from, as rows "
            "moved between the splits: the figures are better than they will be on new rows"
        )
    if "seeds" in metrics:
        reporter.say(f"kept: seed {metrics['seeds']['kept']}, the best by validation")
    gate = metrics.get("gate")
    if gate is not None and not gate["worse"]:  # otherwise an error says so
        reporter.say(gate["sentence"])
    reporter.say(f"run folder: {run.path}")
    published = metrics.get("published")
    if published is None:
        option = "--no-gate" if gate is not None and gate["worse"] else "--publish"
        reporter.say(f"not published; to do it now: bifocal-training fit --resume {run.path} {option}")
        return
    version = Path(published)
    reporter.say(f"published:  {version.parent.name} version {version.name} in {version.parent}")
    reporter.say(f"serve it:   bifocal-service serve {version.parents[1]}")


def publish_finished(run: Run, reporter: Reporter, *, publish: bool | None = None, gate: bool | None = None) -> None:
    """Says that a run is finished, and publishes it if that is asked for and was not done.

    Args:
        run: finished.
        reporter: told.
        publish: whether to publish it; None is as `gate` says.
        gate: False publishes also what the gate refused.

    Raises:
        WorseModelError: if it is to be published, and the gate refused it.
        StorageError: if it can't be published.
    """
    run.drop_checkpoints()  # if a process was killed at its very end
    metrics = run.metrics()
    if publish and gate is not False:
        raise_if_refused(run)
    if (gate is False if publish is None else publish) and metrics.get("published") is None:
        version = publish_once(run.bundle, run.request().models, run.recipe().name)
        run.write_metrics({**metrics, "published": str(version)})
    else:
        reporter.say(f"{run.name} is finished; nothing is left to be done.")
    tell(run, reporter)


def is_refused(metrics: dict[str, Any]) -> bool:
    """Whether the gate said no."""
    return bool((metrics.get("gate") or {}).get("worse"))


def raise_if_refused(run: Run) -> None:
    """Ends with the gate's words, if it said no and the bundle is not published all the same.

    Raises:
        WorseModelError: with what to do.
    """
    metrics = run.metrics()
    if is_refused(metrics) and metrics.get("published") is None:
        raise WorseModelError(
            f"{metrics['gate']['sentence']} The run and its bundle are kept: {run.path}. "
            f"To publish it all the same: bifocal-training fit --resume {run.path} --no-gate"
        )


def _of_head(
    head: str, figures: Mapping[str, Any], metrics: Mapping[str, Any], withheld: Collection[str]
) -> Iterator[str]:
    found = figures["metrics"]["accuracy"]
    yield (
        f"test accuracy of {head}: {found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}], "
        f"{figures['examples']} rows; always the commonest answer: {figures['majority']:.3f}"
    )
    spread = metrics.get("seeds", {}).get("test", {}).get(head, {}).get("accuracy")
    if spread is not None:
        values = ", ".join(f"{value:.3f}" for value in spread["values"])
        mean, deviation = spread["mean"], spread["standard_deviation"]
        yield f"  mean of the seeds: {mean:.3f}, standard deviation {deviation:.3f} ({values})"
    for modality, accuracies in metrics.get("alone", {}).items():
        if head in accuracies:
            yield f"  the {modality} alone, trained the same way: {accuracies[head]:.3f}"
    for name, absent in figures.get("absent", {}).items():
        if name in withheld and absent.get("accuracy") is not None:
            yield f"  this model without {name}: {absent['accuracy']['value']:.3f}"
