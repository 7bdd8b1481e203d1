"""What follows a training: calibration on validation, the test, the export."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.branches.convolving import convolutions_of
from model.bundle import Metadata
from model.errors import BifocalError
from model.export import export
from training import curves, manifest, model_card, predictions
from training.evaluation import About, evaluate
from training.evaluation.calibration import Calibration, calibrate, probabilities
from training.evaluation.measured import commonest
from training.evaluation.rows import groups_of
from training.known_comparison import known_comparison
from training.pipeline import Examples
from training.pooling import shares_of
from training.report import write as write_report
from training.retraining import portable
from training.seeds import Kept
from training.session import Session
from training.shown_examples import shown

LIBRARIES = ("bifocal", "tensorflow", "tensorflow-text", "keras", "pillow", "numpy")


@dataclass(frozen=True)
class Tested:
    """How good the kept network is.

    Args:
        metrics: as `metrics.json` has them.
        calibrations: of each head.
    """

    metrics: dict[str, Any]
    calibrations: Mapping[str, Calibration]


def test(session: Session, kept: Kept) -> Tested:
    """Calibrates on validation and measures on test; all is in the run before anything else can fail."""
    run, data, trained = session.run, session.data, kept.trained
    curves.draw(trained.history, trained.best, run.path / "curves.png", title=data.recipe.name)
    calibrations = calibrate(trained.spec, trained.logits(data.val), data.val.targets)

    def predict(examples: Examples) -> dict[str, NDArray[np.float32]]:
        return probabilities(trained.spec, trained.logits(examples), calibrations)

    about = About(
        commonest={name: commonest(head, data.train.targets[name]) for name, head in trained.spec.heads.items()},
        groups=groups_of(data.manifest, data.test),
    )
    with session.reporter.task("Testing") as task:
        tested = evaluate(trained.spec, data.test, predict, calibrations, about, progress=task.update)
    predictions.write(
        run.path / "predictions.csv",
        data.test,
        trained.spec,
        tested.probabilities,
        calibrations,
        group_keys=manifest.group_keys(data.manifest, data.test.positions),
    )
    metrics = {
        "test": tested.figures,
        "best_epoch": trained.best.as_dict(),
        "parameters": trained.network.count_params(),
        "precision": trained.course.precision,
    }
    if layers := list(convolutions_of(trained.network)):
        are_native = any(layer.fits_native_code for layer in layers)
        metrics["convolutions"] = trained.course.convolutions if are_native else "tensorflow"
    if weighed := shares_of(trained.network, trained.spec):
        metrics["shares"] = weighed
    if kept.spread is not None:
        metrics["seeds"] = kept.spread
    run.write_metrics(metrics)
    return Tested(metrics, calibrations)


def export_bundle(session: Session, kept: Kept, tested: Tested) -> None:
    """Writes the run's bundle; one that is there is whole already."""
    run, data, spec = session.run, session.data, session.data.recipe.spec
    if run.bundle.is_dir():
        return
    for left in run.path.glob(".export-*"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    recipe = data.recipe.replace(training={"seed": kept.seed})
    metadata = Metadata(
        name=recipe.name,
        spec=spec.portable(),
        metrics=tested.metrics["test"],
        training_data={
            "manifest_sha256": data.digest,
            "rows": {"train": len(data.train), "val": len(data.val), "test": len(data.test)},
        },
        temperatures={name: found.temperature for name, found in tested.calibrations.items()},
        thresholds={
            name: dict(found.thresholds) for name, found in tested.calibrations.items() if found.thresholds is not None
        },
        recipe=portable(recipe),
        comparison=known_comparison(run.path.parent, recipe.name, manifest_sha256=data.digest),
        libraries={name: version(name) for name in LIBRARIES},
        created=datetime.now(UTC),
    )
    export(
        kept.trained.encoder,
        kept.trained.network,
        directory=run.bundle,
        metadata=metadata,
        golden_examples=data.golden,
        vocabularies=session.vocabularies,
        model_card=model_card.text(
            metadata, recipe, parameters=tested.metrics["parameters"], findings=data.findings.summary()
        ),
        examples=shown(data.golden) if recipe.data.publish_examples else (),
    )


def report(session: Session) -> None:
    """Writes report.html and the model card; the run is finished all the same if that fails."""
    run, reporter = session.run, session.reporter
    try:
        with reporter.task("Writing the report"):
            write_report(run.path)
    except Exception as error:  # of whatever kind, as want of memory: all that was trained is written and published
        what = str(error) if isinstance(error, BifocalError | OSError) else f"{type(error).__name__}: {error}"
        reporter.say(
            f"warning: there is no report: {what.rstrip('.')}. To try again: bifocal-training report {run.path}"
        )
