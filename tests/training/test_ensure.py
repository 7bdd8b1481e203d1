"""`bifocal-training ensure`: what it trains on, and when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.errors import ManifestError, StorageError
from tests import tiny
from training import first_model, recipe_file
from training.cli import app
from training.progress import Reporter


def ensure(folder: Path, *arguments: str) -> str:
    """What the command prints, with its lines as one."""
    places = ["--runs-dir", str(folder / "runs"), "--models-dir", str(folder / "models")]
    done = CliRunner().invoke(app, ["ensure", *arguments, *places], catch_exceptions=False)
    assert done.exit_code == 0
    return " ".join(done.output.split())


@pytest.mark.slow
def test_a_model_is_trained_by_the_recipe_of_the_folder_and_only_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    manifest = tiny.write_manifest(data)
    (data / "recipe.yaml").write_text(tiny.recipe(manifest, epochs=1).to_yaml())
    (tmp_path / "models" / "other" / "4").mkdir(parents=True)  # of another name, so that it does not count

    assert f"Training on {data / 'recipe.yaml'}." in ensure(tmp_path, str(data))
    assert (tmp_path / "models" / "tiny" / "1" / "saved_model.pb").is_file()
    assert "holds tiny version 1: nothing to train." in ensure(tmp_path, str(data))
    assert len(list((tmp_path / "runs").glob("tiny-*"))) == 1


@pytest.mark.parametrize("data", [None, "missing", "empty"])
def test_without_data_any_model_will_do(data: str | None, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "models" / "mugs" / "3").mkdir(parents=True)

    printed = ensure(tmp_path, *([str(tmp_path / data)] if data else []))

    assert "holds mugs version 3: nothing to train." in printed
    assert not (tmp_path / "runs").exists()


def test_a_recipe_goes_before_a_table_and_a_table_before_pictures(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()  # at the root of a disk
    assert first_model.source_of(tmp_path) is None
    (tmp_path / "cats").mkdir()
    (tmp_path / "metadata.csv").touch()
    assert first_model.source_of(tmp_path) == tmp_path
    (tmp_path / "shop.csv").touch()
    assert first_model.source_of(tmp_path) == tmp_path / "shop.csv"
    (tmp_path / "mine.yml").touch()
    assert first_model.source_of(tmp_path) == tmp_path / "mine.yml"
    assert first_model.source_of(tmp_path / "shop.csv") == tmp_path / "shop.csv"


def test_which_of_two_tables_is_not_guessed(tmp_path: Path) -> None:
    for name in ("old.csv", "new.parquet"):
        (tmp_path / name).touch()

    with pytest.raises(ManifestError, match=r"more than one table: new\.parquet, old\.csv\. Name the one"):
        first_model.source_of(tmp_path)


def test_the_recipe_of_a_table_is_kept_to_be_corrected(tmp_path: Path, reporter: Reporter) -> None:
    manifest = tiny.write_manifest(tmp_path / "data")

    recipe = first_model.recipe_of(manifest, tmp_path, reporter)

    assert recipe.name == "manifest"
    assert recipe.data.labels == {"label": "label"}
    file = tmp_path / "manifest.yaml"
    file.write_text(file.read_text().replace("name: manifest", "name: corrected"))
    assert first_model.recipe_of(manifest, tmp_path, reporter).name == "corrected"  # it stays so


def test_the_demo_set_is_drawn_once_and_whole(
    tmp_path: Path, reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = first_model.write_demo_set
    monkeypatch.setattr(first_model, "write_demo_set", lambda *given, **options: small(*given, rows=60, **options))
    (tmp_path / "demo-data" / "images").mkdir(parents=True)  # of a drawing that was broken off

    recipe = first_model.demo_recipe(tmp_path, reporter)
    drawn = recipe.data.manifest.stat().st_mtime_ns

    assert (recipe.name, recipe.training.epochs, recipe.data.publish_examples) == ("demo", 15, True)
    assert first_model.demo_recipe(tmp_path, reporter).data.manifest.stat().st_mtime_ns == drawn
    assert recipe_file.load(tmp_path / "demo.yaml") == recipe


def test_a_models_folder_that_cant_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").touch()

    with pytest.raises(StorageError, match=r"models can't be read: Not a directory"):
        first_model.published(tmp_path / "models")
