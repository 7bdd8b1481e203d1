"""One training: from examples to a run folder and a published bundle."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from model import heads
from model.build import build
from model.bundle import Metadata, publish
from model.encoder import Encoder, learn_vocabulary, token_branches
from model.errors import StorageError
from model.export import export
from model.spec import ModelSpec
from training import curves, evaluate, golden_rows, predictions
from training.loop import Epoch, Forward, Listener, forward_pass, predict_logits, train
from training.pipeline import Examples
from training.prepare import Prepared
from training.progress import Reporter
from training.recipe import Recipe
from training.runs import Run

VOCABULARY_BATCH = 4096
LIBRARIES = ("bifocal", "tensorflow", "tensorflow-text", "keras", "pillow", "numpy")


@dataclass(frozen=True)
class Folders:
    """Where a training writes.

    Args:
        runs: a new run folder is made in it.
        models: the bundle is published in it.
    """

    runs: Path
    models: Path


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


@dataclass(frozen=True)
class _Trained:
    """A network with its best weights."""

    network: keras.Model
    encoder: Encoder
    history: list[Epoch]
    best: Epoch
    forward: Forward


def fit(data: Prepared, folders: Folders, reporter: Reporter, *, alone: bool = False) -> Fitted:
    """Trains, tests once, exports, publishes.

    Args:
        data: the examples, and the recipe they were made by.
        folders: where to write.
        reporter: told how it goes.
        alone: also train each modality alone, on the same splits with the same settings, to see what merging gives.

    Raises:
        StorageError: if a folder can't be written.
        BundleError: if the exported model disagrees with the trained one.
    """
    started = time.perf_counter()
    recipe = data.recipe
    _require_writable(folders.models)  # now, and not after an hour of training
    run = Run.create(folders.runs, recipe.name)
    run.write_recipe(recipe)
    _tell_data(data, run, reporter)

    for name in token_branches(recipe.spec):
        texts = data.train.texts[recipe.spec.input_of(name)]
        batches = (texts[at : at + VOCABULARY_BATCH].tolist() for at in range(0, len(texts), VOCABULARY_BATCH))
        run.write_vocabulary(name, learn_vocabulary(recipe.spec, name, batches))

    trained = _train(recipe, recipe.spec, data, run, reporter, title="Training")
    curves.draw(trained.history, trained.best, run.path / "curves.png", title=recipe.name)
    metrics = _test(trained, recipe.spec, data.test)
    metrics["best_epoch"] = trained.best.as_dict()
    metrics["parameters"] = trained.network.count_params()
    predictions.write(run.path / "predictions.csv", data.test, recipe.spec, _probabilities(trained, data.test))
    run.write_metrics(metrics)  # before the export: nothing learned is lost if that fails

    published = _export(trained, data, run, folders.models, metrics, reporter)
    if alone:
        metrics["alone"] = _alone(recipe, data, run, reporter)
    metrics["seconds"] = time.perf_counter() - started
    run.write_metrics(metrics)
    return Fitted(run, published, metrics)


def modalities(spec: ModelSpec) -> dict[str, list[str]]:
    """The inputs of each modality that the spec has: `picture` and `words`."""
    pictures = [name for name, given in spec.inputs.items() if given.kind == "image"]
    words = [name for name, given in spec.inputs.items() if given.kind != "image"]
    return {name: inputs for name, inputs in (("picture", pictures), ("words", words)) if inputs}


def _train(recipe: Recipe, spec: ModelSpec, data: Prepared, run: Run, reporter: Reporter, *, title: str) -> _Trained:
    keras.utils.set_random_seed(recipe.training.seed)
    files = {name: run.vocabulary(name) for name in token_branches(spec)}
    encoder = Encoder(spec, files)
    sizes = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in files.items()}
    network = build(spec, sizes)

    best: list[Epoch] = []
    is_main = spec == recipe.spec

    def after_epoch(epoch: Epoch, is_best: bool) -> None:
        if is_best:
            best[:] = [epoch]
        if is_main:
            run.append_log({**epoch.as_dict(), "best": is_best})
            reporter.say(
                f"epoch {epoch.epoch:>3}/{recipe.training.epochs}  loss {epoch.loss:.3f}  "
                f"val loss {epoch.val_loss:.3f}  val accuracy {epoch.val_accuracy:.3f}{' *' if is_best else '  '}  "
                f"{epoch.examples_per_s:,.0f} examples/s"
            )

    with reporter.task(title) as task:
        listener = Listener(
            step=lambda done, total, loss: task.update(done, total, f"loss {loss:.3f}"), epoch=after_epoch
        )
        history = train(network, encoder, _only(data.train, spec), _only(data.val, spec), recipe.training, listener)
    return _Trained(network, encoder, history, best[0], forward_pass(network, encoder))


def _probabilities(trained: _Trained, examples: Examples) -> dict[str, np.ndarray]:
    logits = predict_logits(trained.forward, examples)
    return {head: heads.probabilities(values).numpy() for head, values in logits.items()}


def _test(trained: _Trained, spec: ModelSpec, test: Examples) -> dict[str, Any]:
    """Figures of each head on the test split; with several inputs also the accuracy without each."""
    probabilities = _probabilities(trained, test)
    figures: dict[str, Any] = {}
    for head, values in probabilities.items():
        figures[head] = evaluate.single_label(values, test.targets[head], spec.heads[head].labels)
    if len(spec.inputs) > 1:
        for name in spec.inputs:
            withheld = replace(test, present={**test.present, name: np.zeros(len(test), bool)})
            for head, values in _probabilities(trained, withheld).items():
                right = float((values.argmax(axis=1) == test.targets[head]).mean())
                figures[head].setdefault("accuracy_without", {})[name] = right
    return {"test": figures}


def _export(
    trained: _Trained, data: Prepared, run: Run, models: Path, metrics: Mapping[str, Any], reporter: Reporter
) -> Path:
    recipe = data.recipe
    with reporter.task("Exporting"):
        export(
            recipe.spec,
            trained.encoder,
            trained.network,
            directory=run.bundle,
            metadata=Metadata(
                name=recipe.name,
                spec=recipe.spec,
                metrics=metrics["test"],
                training_data={
                    "manifest_sha256": data.digest,
                    "rows": {"train": len(data.train), "val": len(data.val), "test": len(data.test)},
                },
                libraries={name: version(name) for name in LIBRARIES},
                created=datetime.now(UTC),
            ),
            golden_examples=golden_rows.choose(data),
        )
        return publish(run.bundle, models, recipe.name)


def _alone(recipe: Recipe, data: Prepared, run: Run, reporter: Reporter) -> dict[str, dict[str, float]]:
    """Test accuracy of each head for each modality trained alone."""
    accuracies = {}
    found = modalities(recipe.spec)
    for name, inputs in found.items() if len(found) > 1 else ():
        spec = recipe.spec.only(inputs)
        trained = _train(recipe, spec, data, run, reporter, title=f"Training the {name} alone")
        test = _only(data.test, spec)
        accuracies[name] = {
            head: float((values.argmax(axis=1) == test.targets[head]).mean())
            for head, values in _probabilities(trained, test).items()
        }
    return accuracies


def _only(examples: Examples, spec: ModelSpec) -> Examples:
    """The examples with the inputs of a spec alone."""
    return replace(
        examples,
        pictures={name: array for name, array in examples.pictures.items() if name in spec.inputs},
        texts={name: array for name, array in examples.texts.items() if name in spec.inputs},
        present={name: array for name, array in examples.present.items() if name in spec.inputs},
    )


def _require_writable(models: Path) -> None:
    try:
        models.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=models, prefix=".try-"):
            pass
    except OSError as error:
        raise StorageError(
            f"The models folder {models} can't be written: {error.strerror}. Choose another with --models-dir."
        ) from None


def _tell_data(data: Prepared, run: Run, reporter: Reporter) -> None:
    reporter.say(f"{len(data.train)} rows to train on, {len(data.val)} to validate, {len(data.test)} to test")
    if data.bad:
        run.write_bad_rows(data.bad)
        reporter.say(f"warning: {len(data.bad)} rows can't be used and are left out; see {run.path / 'bad_rows.csv'}")
    for line in data.warnings:
        reporter.say(f"warning: {line}")
