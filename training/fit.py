"""One training: from examples to a run folder and a published bundle."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from model.bundle import Metadata, publish
from model.errors import ManifestError
from model.export import export
from model.text import learn_vocabulary, needs_vocabulary
from training import alone, curves, evaluate, predictions
from training.loop import Epoch, Listener
from training.prepare import Prepared
from training.progress import Reporter
from training.reuse import Reuse
from training.runs import Folders, Run
from training.trained import Trained, train_spec

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
    reuse = Reuse(data.recipe.training.init)
    reuse.check(data.recipe.spec)
    run = Run.create(folders.runs, data.recipe.name)
    run.write_recipe(data.recipe)
    _tell_data(data, run, reporter)
    vocabularies = learn_vocabularies(data, run, reuse)

    def after_epoch(epoch: Epoch, is_best: bool) -> None:
        run.append_log({**epoch.as_dict(), "best": is_best})
        if epoch.epoch == data.recipe.training.unfreeze_at_epoch:
            reporter.say(f"from epoch {epoch.epoch} on, these train too: {', '.join(data.recipe.training.freeze)}")
        reporter.say(_line(epoch, data.recipe.training.epochs, is_best))

    with reporter.task("Training") as task:
        listener = Listener(task.step, after_epoch)
        trained = train_spec(data.recipe.spec, data, vocabularies, listener, reuse, reporter.say)
    curves.draw(trained.history, trained.best, run.path / "curves.png", title=data.recipe.name)
    metrics = {
        "test": _test(trained, data, run),
        "best_epoch": trained.best.as_dict(),
        "parameters": trained.network.count_params(),
    }
    run.write_metrics(metrics)  # before the export: the figures are not lost if that fails

    with reporter.task("Exporting"):
        _export(trained, data, run, metrics["test"], vocabularies)
        published = publish(run.bundle, folders.models, data.recipe.name)
    if each_alone:
        metrics["alone"] = alone.accuracies(data, vocabularies, reuse, reporter)
    metrics["seconds"] = time.perf_counter() - started
    run.write_metrics(metrics)
    return Fitted(run, published, metrics)


def learn_vocabularies(data: Prepared, run: Run, reuse: Reuse) -> dict[str, Path]:
    """For each branch that has one its vocabulary in a file of the run: of the training split, or taken over.

    Raises:
        ManifestError: if a column has no token to learn.
    """
    spec = data.recipe.spec
    taken = reuse.vocabularies(spec)
    files = {}
    for name, branch in spec.token_branches.items():
        if name in taken:
            files[name] = run.copy_vocabulary(name, taken[name])
        elif needs_vocabulary(branch):
            read = [view.input for view in spec.views if view.branch == name]
            texts = chain.from_iterable(data.train.texts_of(source) for source in read)
            vocabulary = learn_vocabulary(branch, spec.inputs[read[0]], texts)
            if not vocabulary:
                columns = " and ".join(repr(data.recipe.data.columns[source]) for source in read)
                raise ManifestError(
                    f"Column {columns} has no token that occurs often enough in training, so branch {name!r} would "
                    "learn nothing. Leave the input out, or lower min_count."
                )
            files[name] = run.write_vocabulary(name, vocabulary)
    return files


def _test(trained: Trained, data: Prepared, run: Run) -> dict[str, Any]:
    """Figures of each head on the test split; with several inputs also the accuracy without each."""
    spec, test = data.recipe.spec, data.test
    probabilities = trained.probabilities(test)
    predictions.write(run.path / "predictions.csv", test, spec, probabilities)
    figures = {
        head: evaluate.evaluate(spec.heads[head], values, test.targets[head], trained_on=data.train.targets[head])
        for head, values in probabilities.items()
    }
    for name in spec.inputs if len(spec.inputs) > 1 else ():
        withheld = replace(test, present={**test.present, name: np.zeros(len(test), bool)})
        for head, accuracy in trained.accuracy(withheld).items():
            figures[head].setdefault("accuracy_without", {})[name] = accuracy
    return figures


def _export(
    trained: Trained, data: Prepared, run: Run, figures: Mapping[str, Any], vocabularies: Mapping[str, Path]
) -> None:
    metadata = Metadata(
        name=data.recipe.name,
        spec=data.recipe.spec.portable(),
        metrics=dict(figures),
        training_data={
            "manifest_sha256": data.digest,
            "rows": {"train": len(data.train), "val": len(data.val), "test": len(data.test)},
        },
        libraries={name: version(name) for name in LIBRARIES},
        created=datetime.now(UTC),
    )
    export(
        trained.encoder,
        trained.network,
        directory=run.bundle,
        metadata=metadata,
        golden_examples=data.golden,
        vocabularies=vocabularies,
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
