"""One training: from examples to a run folder and a published bundle."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from model.bundle import Metadata, publish
from model.encoder import learn_vocabulary, token_branches
from model.errors import ManifestError
from model.export import export
from training import alone, curves, evaluate, predictions
from training.loop import Epoch, Listener
from training.prepare import Prepared
from training.progress import Reporter
from training.runs import Folders, Run
from training.trained import Trained, train_spec

VOCABULARY_BATCH = 4096
LIBRARIES = ("bifocal", "tensorflow", "tensorflow-text", "keras", "pillow", "numpy")


@dataclass(frozen=True)
class Fitted:
    """What came of a training.

    Args:
        run: its folder.
        published: the version's directory under the models folder.
        metrics: as in `metrics.json`.
    """

    run: Run
    published: Path
    metrics: dict[str, Any]


def fit(data: Prepared, folders: Folders, reporter: Reporter, *, each_alone: bool = False) -> Fitted:
    """Trains, tests once, exports, publishes.

    Args:
        data: the examples, and the recipe they were made by.
        folders: where to write.
        reporter: told how it goes.
        each_alone: also train each modality alone, to see what merging gives.

    Raises:
        ManifestError: if a text has no words to learn.
        SpecError: if training diverges.
        StorageError: if a folder can't be written.
        BundleError: if the exported model disagrees with the trained one.
    """
    started = time.perf_counter()
    run = Run.create(folders.runs, data.recipe.name)
    run.write_recipe(data.recipe)
    _tell_data(data, run, reporter)
    vocabularies = _learn_vocabularies(data, run)

    def after_epoch(epoch: Epoch, is_best: bool) -> None:
        run.append_log({**epoch.as_dict(), "best": is_best})
        reporter.say(_line(epoch, data.recipe.training.epochs, is_best))

    with reporter.task("Training") as task:
        trained = train_spec(data.recipe.spec, data, vocabularies, Listener(task.step, after_epoch))
    curves.draw(trained.history, trained.best, run.path / "curves.png", title=data.recipe.name)
    metrics = {
        "test": _test(trained, data, run),
        "best_epoch": trained.best.as_dict(),
        "parameters": trained.network.count_params(),
    }
    run.write_metrics(metrics)  # before the export: the figures are not lost if that fails

    with reporter.task("Exporting"):
        _export(trained, data, run, metrics["test"])
        published = publish(run.bundle, folders.models, data.recipe.name)
    if each_alone:
        metrics["alone"] = alone.accuracies(data, vocabularies, reporter)
    metrics["seconds"] = time.perf_counter() - started
    run.write_metrics(metrics)
    return Fitted(run, published, metrics)


def _learn_vocabularies(data: Prepared, run: Run) -> dict[str, Path]:
    """For each branch over text or tags the vocabulary of the training split, in a file of the run."""
    spec, files = data.recipe.spec, {}
    for name, branch in token_branches(spec).items():
        texts = data.train.texts[spec.input_of(name)]
        batches = (texts[at : at + VOCABULARY_BATCH].tolist() for at in range(0, len(texts), VOCABULARY_BATCH))
        vocabulary = learn_vocabulary(spec, name, batches)
        if not vocabulary:
            raise ManifestError(
                f"Column {data.recipe.data.columns[spec.input_of(name)]!r} has no token that occurs at least "
                f"{branch.min_count} times in training, so branch {name!r} would learn nothing. Leave the input out, "
                "or lower min_count."
            )
        files[name] = run.write_vocabulary(name, vocabulary)
    return files


def _test(trained: Trained, data: Prepared, run: Run) -> dict[str, Any]:
    """Figures of each head on the test split; with several inputs also the accuracy without each."""
    spec, test = data.recipe.spec, data.test
    probabilities = trained.probabilities(test)
    predictions.write(run.path / "predictions.csv", test, spec, probabilities)
    figures = {
        head: evaluate.single_label(
            values,
            test.targets[head],
            labels=spec.heads[head].labels,
            commonest=int(np.bincount(data.train.targets[head]).argmax()),
        )
        for head, values in probabilities.items()
    }
    for name in spec.inputs if len(spec.inputs) > 1 else ():
        withheld = replace(test, present={**test.present, name: np.zeros(len(test), bool)})
        for head, accuracy in trained.accuracy(withheld).items():
            figures[head].setdefault("accuracy_without", {})[name] = accuracy
    return figures


def _export(trained: Trained, data: Prepared, run: Run, figures: Mapping[str, Any]) -> None:
    metadata = Metadata(
        name=data.recipe.name,
        spec=data.recipe.spec,
        metrics=dict(figures),
        training_data={
            "manifest_sha256": data.digest,
            "rows": {"train": len(data.train), "val": len(data.val), "test": len(data.test)},
        },
        libraries={name: version(name) for name in LIBRARIES},
        created=datetime.now(UTC),
    )
    export(
        data.recipe.spec,
        trained.encoder,
        trained.network,
        directory=run.bundle,
        metadata=metadata,
        golden_examples=data.golden,
    )


def _tell_data(data: Prepared, run: Run, reporter: Reporter) -> None:
    reporter.say(f"{len(data.train)} rows to train on, {len(data.val)} to validate, {len(data.test)} to test")
    if data.bad:
        run.write_bad_rows(data.bad)
        reporter.say(f"warning: {len(data.bad)} rows can't be used and are left out; see {run.path / 'bad_rows.csv'}")
    for line in data.warnings:
        reporter.say(f"warning: {line}")


def _line(epoch: Epoch, epochs: int, is_best: bool) -> str:
    return (
        f"epoch {epoch.epoch:>3}/{epochs}  loss {epoch.loss:.3f}  val loss {epoch.val_loss:.3f}  "
        f"val accuracy {epoch.val_accuracy:.3f}{' *' if is_best else '  '}  {epoch.examples_per_s:,.0f} examples/s"
    )
