"""What `fit` makes of its options, before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from model.errors import ClusterError, ManifestError, SpecError, StorageError
from tests import tiny
from training import manifest
from training.cli import app
from training.commands.column_options import GivenColumns
from training.commands.fit import _chosen
from training.commands.process import begun_before
from training.request import Request
from training.runs import Run


def run_of(folder: Path, manifest: Path) -> Run:
    """A run that was ended before it trained."""
    run = Run.create(folder, "tiny")
    run.write_recipe(tiny.recipe(manifest))
    run.write_request(Request(models=folder / "models", cache=folder / "cache", manifest_sha256="another"))
    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resume", "runs/x", "--epochs", "3"], "--resume goes on as the run began, without 'epochs'"),
        (["a.yaml", "--gate-tolerance", "0.1"], "--gate-tolerance has no effect without --gate."),
        (["--from", "runs/x"], "--from RUN needs the manifest of the new rows beside it"),
        ([], "Give a MANIFEST with columns, or --recipe FILE"),
        (["a.yaml", "--label", "colour"], "A recipe and columns do not go together"),
        (["a.yaml", "--run", "a/b"], "--run is the name of a folder in --runs-dir, without slashes. Received: 'a/b'."),
    ],
)
def test_options_that_do_not_go_together_are_told(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["fit", *arguments])

    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())  # within a box that breaks lines


def test_frequent_settings_are_options(tiny_manifest: Path) -> None:
    given = {"batch_size": 4, "monitor": "macro_f1", "precision": "auto", "seed": None}
    recipe = _chosen(GivenColumns(tiny_manifest, text=["caption"], label=["label"]), None, given)

    assert recipe.training.batch_size == 4
    assert recipe.training.monitor == "macro_f1"
    assert recipe.training.precision == "auto"
    assert recipe.training.seed == 0


def test_the_recipe_of_the_model_to_start_from_is_taken_unless_another_is_named(
    tiny_manifest: Path, tmp_path: Path
) -> None:
    source = run_of(tmp_path, tiny_manifest).path
    again = _chosen(GivenColumns(tiny_manifest, name="newer", max_bad=0.5), source, {"epochs": 3})
    named = _chosen(GivenColumns(tiny_manifest, text=["caption"], label=["label"]), source, {})

    assert (again.name, again.training.epochs, again.data.max_bad, again.training.init) == ("newer", 3, 0.5, source)
    assert set(again.spec.inputs) == {"image", "text", "tags"}
    assert (named.name, named.training.epochs, named.training.init) == ("manifest", 30, source)
    assert set(named.spec.inputs) == {"text"}


def test_a_run_of_a_manifest_that_was_changed_is_not_gone_on_with(tiny_manifest: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path, tiny_manifest)
    done = CliRunner().invoke(app, ["fit", "--resume", str(run.path)])

    assert isinstance(done.exception, ManifestError)
    assert "was changed since the run began" in str(done.exception)


def test_a_run_of_a_name_is_gone_on_with_if_it_was_begun_by_the_same_recipe(
    tiny_manifest: Path, tmp_path: Path
) -> None:
    recipe = tiny.recipe(tiny_manifest)
    run = run_of(tmp_path, tiny_manifest)
    run.write_recipe(recipe.with_labels({"colour": tuple(tiny.COLOURS)}))  # as `fit` writes it

    digest = manifest.read(recipe, cache_dir=tmp_path / "cache").digest
    request = run.request().model_copy(update={"manifest_sha256": digest})
    run.write_request(request)

    assert begun_before(tmp_path, "another", recipe, request) is None
    assert begun_before(tmp_path, run.name, recipe, request) == run.path
    with pytest.raises(StorageError, match=r"or other options: training\.epochs is 12 there and 99 now\."):
        begun_before(tmp_path, run.name, recipe.replace(training={"epochs": 99}), request)
    with pytest.raises(StorageError, match=r"or other options: seeds is 1 there and 3 now\."):
        begun_before(tmp_path, run.name, recipe, request.model_copy(update={"seeds": 3}))
    run.write_request(request.model_copy(update={"manifest_sha256": "another"}))
    with pytest.raises(ManifestError, match="was changed since the run began"):
        begun_before(tmp_path, run.name, recipe, request)


def test_devices_are_not_for_one_of_several_processes(tiny_manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    arguments = ["fit", str(tiny_manifest), "--text", "caption", "--label", "label", "--devices", "GPU:0,GPU:1"]
    done = CliRunner().invoke(app, arguments)

    assert isinstance(done.exception, ClusterError)
    assert "--devices is for one process, and TF_CONFIG names several" in str(done.exception)


def test_a_folder_that_is_no_run_or_was_never_one_is_told(tmp_path: Path, tiny_manifest: Path) -> None:
    with pytest.raises(StorageError, match=r"is not a run folder: it has no recipe\.yaml\."):
        Run.open(tmp_path)
    with pytest.raises(StorageError, match=r"nothing is not there\."):
        Run.open(tmp_path / "nothing")
    run = Run.create(tmp_path, "tiny")
    run.write_recipe(tiny.recipe(tiny_manifest))
    with pytest.raises(StorageError, match=r"fit\.json is missing or broken.*Delete the folder and train anew"):
        run.request()


def test_a_figure_of_a_head_that_is_not_there_is_told() -> None:
    with pytest.raises(SpecError, match=r"^recipe\.training\.monitor: no head 'colours'; did you mean 'colour'\?"):
        tiny.recipe(Path("m.csv"), monitor="colours.macro_f1")
    assert tiny.recipe(Path("m.csv"), monitor="colour.macro_f1").training.monitor == "colour.macro_f1"
