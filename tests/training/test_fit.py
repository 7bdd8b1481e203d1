"""One training from recipe to published bundle."""

from __future__ import annotations

import io
import json
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from rich.console import Console
from tensorflow.core.util.event_pb2 import Event

from model.bundle import Bundle
from model.errors import ManifestError, StorageError
from tests import tiny
from training import recipe_file
from training.epoch import Epoch, Listener
from training.fit import Fitted, fit, learn_vocabularies
from training.modalities import modalities
from training.pipeline import Column
from training.prepare import prepare
from training.progress import Reporter
from training.recipe import Recipe
from training.reuse import Reuse
from training.runs import Folders, Run
from training.trained import train_spec


def fitted_in(home: Path, recipe: Recipe, reporter: Reporter) -> Fitted:
    data = prepare(recipe, cache_dir=home / "cache", reporter=reporter)
    return fit(data, Folders(home / "runs", home / "models"), reporter)


def test_a_run_folder_holds_what_was_asked_how_it_went_and_what_came_out(tiny_fitted: Fitted) -> None:
    run = tiny_fitted.run.path

    assert {path.name for path in run.iterdir()} == {
        "recipe.yaml",
        "fit.json",
        "check.json",
        "log.jsonl",
        "tensorboard",
        "metrics.json",
        "curves.png",
        "predictions.csv",
        "learned_from.npy",
        "vocabularies",
        "bundle",
        "report.html",
        "MODEL_CARD.md",
    }
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in (run / "vocabularies").iterdir()) == ["tags.txt", "text.txt"]


def test_the_log_has_a_line_an_epoch(tiny_fitted: Fitted) -> None:
    lines = [json.loads(line) for line in (tiny_fitted.run.path / "log.jsonl").read_text().splitlines()]

    assert [line["epoch"] for line in lines] == list(range(1, 13))
    assert set(lines[0]) == {field.name for field in fields(Epoch)}
    assert lines == tiny_fitted.run.log()
    assert max(line["learning_rate"] for line in lines) == pytest.approx(0.03, rel=0.05)
    kept = [line for line in lines if line["best"]][-1]
    assert kept["val_accuracy"] == max(line["val_accuracy"] for line in lines)
    assert tiny_fitted.metrics["best_epoch"]["epoch"] == kept["epoch"]


def test_tensorboard_is_given_curves(tiny_fitted: Fitted) -> None:
    (file,) = (tiny_fitted.run.path / "tensorboard" / "model").glob("events.*")
    events = [Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(file))]
    tags = [(value.tag, event.step) for event in events for value in event.summary.value]

    assert [step for tag, step in tags if tag == "validation/accuracy"] == list(range(1, 13))
    assert {"loss/training", "loss/validation", "learning_rate"} <= {tag for tag, _ in tags}


def test_the_resolved_recipe_can_be_trained_again(tiny_fitted: Fitted) -> None:
    recipe = recipe_file.load(tiny_fitted.run.path / "recipe.yaml")

    assert recipe.spec.heads["colour"].labels == ("blue", "green", "red")
    assert recipe.training.epochs == 12
    assert recipe.data.manifest.is_file()


def test_the_metrics_are_those_of_the_predictions(tiny_fitted: Fitted) -> None:
    table = pl.read_csv(tiny_fitted.run.path / "predictions.csv")
    figures = json.loads((tiny_fitted.run.path / "metrics.json").read_text())["test"]["colour"]

    assert table.columns[:3] == ["row", "colour.label", "colour.predicted"]
    probabilities = table.select("^colour:.*$").to_numpy()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    accuracy = figures["metrics"]["accuracy"]
    assert accuracy["value"] == (table["colour.label"] == table["colour.predicted"]).mean()
    assert figures["examples"] == len(table) == 12
    assert accuracy["value"] >= 0.75 > figures["majority"]


def test_accuracy_without_each_input_and_with_each_modality_alone_is_reported(tiny_fitted: Fitted) -> None:
    metrics = json.loads((tiny_fitted.run.path / "metrics.json").read_text())

    assert set(metrics["test"]["colour"]["absent"]) == {"image", "text", "tags", "picture", "words"}
    assert set(metrics["alone"]) == {"picture", "words"}
    assert 0 <= metrics["alone"]["picture"]["colour"] <= 1


def test_the_published_bundle_is_that_of_the_run(tiny_fitted: Fitted) -> None:
    published, kept = Bundle(tiny_fitted.published), Bundle(tiny_fitted.run.bundle)

    assert tiny_fitted.published.parts[-2:] == ("tiny", "1")
    assert published.metadata == kept.metadata


def test_the_same_seed_gives_the_same_model_and_a_trial_of_precision_changes_nothing(
    tiny_manifest: Path, tmp_path: Path, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def weights_of(**settings: object) -> list[NDArray[np.generic]]:
        data = prepare(tiny.recipe(tiny_manifest, epochs=1, **settings), cache_dir=tmp_path, reporter=reporter)
        vocabularies = learn_vocabularies(data, Run(tmp_path), Reuse(None))
        listener = Listener(lambda *_: None, lambda *_: None)
        return train_spec(
            data.recipe.spec.only(["tags"]), data, vocabularies, listener, say=said.append
        ).network.get_weights()

    monkeypatch.setattr("training.precision.CLEARLY", np.inf)  # so that the trial chooses float32
    first, *others = weights_of(seed=5), weights_of(seed=5), weights_of(seed=5, precision="auto"), weights_of(seed=6)

    equal = [all(np.array_equal(one, other) for one, other in zip(first, some, strict=True)) for some in others]
    assert equal == [True, True, False]
    assert said[0].startswith("precision: float32 (a step takes ")


def test_unusable_pictures_within_the_allowance_are_left_out_and_listed(tmp_path: Path, reporter: Reporter) -> None:
    manifest = tiny.write_manifest(tmp_path / "data")
    (tmp_path / "data" / "images" / "3.png").write_bytes(b"\x89PNG broken")
    (tmp_path / "data" / "images" / "6.png").unlink()
    recipe = tiny.recipe(manifest, epochs=1)

    with pytest.raises(ManifestError, match=r"(?s)^2 of 60 rows can't be used \(3\.3%.*row 4: 3\.png: .*row 7: .*6\."):
        fitted_in(tmp_path, recipe, reporter)
    fitted = fitted_in(tmp_path, recipe.replace(data={"max_bad": 0.05}), reporter)

    bad = pl.read_csv(fitted.run.path / "bad_rows.csv")
    assert bad["row"].to_list() == [4, 7]
    assert Bundle(fitted.published).metadata.training_data["rows"]["train"] == 34


def test_a_manifest_of_three_rows_is_too_few(tmp_path: Path, reporter: Reporter) -> None:
    recipe = tiny.recipe(tiny.write_manifest(tmp_path / "data", rows=3)).replace(data={"split": {}})

    with pytest.raises(ManifestError, match="No row is in the split 'val': 3 usable rows are too few to divide"):
        fitted_in(tmp_path, recipe, reporter)
    assert not (tmp_path / "runs").exists()


def test_a_label_with_one_example_is_trained_on_and_told(tmp_path: Path) -> None:
    manifest = tiny.write_manifest(tmp_path / "data")
    manifest.write_text(manifest.read_text().replace("red,g0,train", "odd,g0,train", 1))
    spoken = io.StringIO()
    fitted = fitted_in(tmp_path, tiny.recipe(manifest, epochs=1), Reporter(Console(file=spoken)))

    assert Bundle(fitted.published).spec.heads["colour"].labels == ("blue", "green", "odd", "red")
    assert "too few rows to validate and test, so their figures say little: 'odd' (1 row)" in spoken.getvalue()


@pytest.mark.parametrize(("name", "option"), [("runs", "--runs-dir"), ("models", "--models-dir")])
def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path, name: str, option: str) -> None:
    (tmp_path / name).write_text("a file")

    with pytest.raises(StorageError, match=rf"The folder .*{name} can't be written: .* with {option}"):
        Folders(tmp_path / "runs", tmp_path / "models").require_writable()


def test_a_text_without_a_word_in_training_is_told(tmp_path: Path, reporter: Reporter) -> None:
    manifest = tiny.write_manifest(tmp_path / "data")
    manifest.write_text(re.sub(r",a [a-z]+ number \d+,", ",!?,", manifest.read_text()))

    with pytest.raises(ManifestError, match=r"Column 'caption' has no token .* branch 'text' would learn nothing"):
        fitted_in(tmp_path, tiny.recipe(manifest), reporter)
    assert list((tmp_path / "runs").glob("tiny-*")) == []


class Losing:
    """A column whose file goes away after some batches."""

    def __init__(self, column: Column, after: int) -> None:
        self.column, self.left = column, after

    def take(self, positions: NDArray[np.intp]) -> NDArray[np.generic]:
        self.left -= 1
        if self.left < 0:
            raise FileNotFoundError(2, "No such file or directory", "shard-0.bin")
        return self.column.take(positions)


def test_a_file_that_is_lost_in_training_is_told_with_how_to_go_on(
    tiny_manifest: Path, tmp_path: Path, reporter: Reporter
) -> None:
    data = prepare(tiny.recipe(tiny_manifest), cache_dir=tmp_path / "cache", reporter=reporter)
    pictures = {"image": Losing(data.train.pictures["image"], after=7)}
    data = replace(data, train=replace(data.train, pictures=pictures))

    with pytest.raises(StorageError) as caught:
        fit(data, Folders(tmp_path / "runs", tmp_path / "models"), reporter)
    (run,) = (tmp_path / "runs").glob("tiny-*")
    assert "No such file or directory: 'shard-0.bin'\nThe last checkpoint is whole. Once that is mended: go on" in str(
        caught.value
    )
    assert f"bifocal-training fit --resume {run}" in str(caught.value)
    assert Run.open(run).can_be_resumed


def test_what_is_wrong_without_the_pictures_is_told_before_they_are_decoded(tmp_path: Path, reporter: Reporter) -> None:
    manifest = tiny.write_manifest(tmp_path / "data")
    manifest.write_text(manifest.read_text().replace(",val", ",hold"))

    with pytest.raises(ManifestError, match=r"Row 10: column 'split' says 'hold'"):
        prepare(tiny.recipe(manifest), cache_dir=tmp_path / "cache", reporter=reporter)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["tables"]


def test_modalities_are_the_picture_and_the_words() -> None:
    spec = tiny.recipe(Path("m.csv")).spec

    assert modalities(spec) == {"picture": ["image"], "words": ["text", "tags"]}
    assert modalities(spec.only(["text"])) == {"words": ["text"]}
