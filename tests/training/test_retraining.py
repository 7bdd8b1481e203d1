"""Newer rows: the recipe of an earlier model, several seeds, and the gate."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from model.bundle import Bundle, versions
from model.errors import SpecError, WorseModelError
from tests import tiny
from training import outcome
from training.fit import Fitted, fit, resume
from training.prepare import prepare
from training.progress import Reporter
from training.request import Request
from training.retraining import label_changes, portable, recipe_from
from training.runs import Folders, Run


def test_the_recipe_of_a_run_is_taken_with_its_weights_and_without_its_labels(tiny_fitted: Fitted) -> None:
    source, before = tiny_fitted.run.path, tiny_fitted.run.recipe()
    recipe = recipe_from(source, Path("/new/rows.csv"))

    assert recipe.name == before.name
    assert recipe.training == before.training.model_copy(update={"init": source})
    assert recipe.spec == before.spec.model_copy(
        update={"heads": {"colour": before.spec.heads["colour"].model_copy(update={"labels": ()})}}
    )
    assert recipe.data.manifest == Path("/new/rows.csv")
    assert recipe.image_root == Path("/new")


def test_a_bundle_says_the_same_as_its_run(tiny_fitted: Fitted) -> None:
    assert tiny_fitted.published is not None
    of_run, of_bundle = (
        recipe_from(source, Path("/new/rows.csv"), image_root=Path("/pictures"))
        for source in (tiny_fitted.run.path, tiny_fitted.published)
    )

    assert of_bundle.replace(training={"init": None}) == of_run.replace(training={"init": None})
    assert of_bundle.image_root == Path("/pictures")


def test_what_a_bundle_carries_names_nothing_of_the_machine(tiny_manifest: Path) -> None:
    recipe = tiny.recipe(tiny_manifest, init="/models/old/1", freeze=["image"])
    told = json.dumps(portable(recipe.replace(data={"image_root": "/pictures"})))

    assert str(tiny_manifest.parent) not in told
    assert "/models" not in told
    assert "/pictures" not in told


def test_a_bundle_that_does_not_say_its_recipe_is_told(tiny_fitted: Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tiny_fitted.published is not None
    unknown = Bundle(tiny_fitted.published).metadata.model_copy(update={"recipe": None})
    monkeypatch.setattr("model.bundle._read_metadata", lambda path: unknown)

    with pytest.raises(
        SpecError, match=r"does not say which recipe .* Give --recipe FILE or the columns beside --from"
    ):
        recipe_from(tiny_fitted.published, Path("/new/rows.csv"))


def test_labels_that_came_and_went_are_told(tiny_fitted: Fitted) -> None:
    before = tiny_fitted.run.recipe()
    changed = before.with_labels({"colour": ("amber", "blue", "green")})

    assert label_changes(tiny_fitted.run.path, changed) == ["colour: labels added: 'amber'; labels gone: 'red'"]
    assert label_changes(tiny_fitted.run.path, before) == []


@pytest.fixture(scope="module")
def refused(
    tiny_fitted: Fitted, tiny_manifest: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Run, str, WorseModelError]:
    """A run of two seeds that learned nothing and was held against `tiny_fitted`, what it said, and its end."""
    home, spoken = tmp_path_factory.mktemp("refused"), io.StringIO()
    reporter = Reporter(Console(file=spoken, width=1000))
    recipe = tiny.only(tiny.recipe(tiny_manifest, epochs=1, learning_rate=1e-7, seed=3), "tags")
    recipe = recipe.replace(data={"publish_examples": True})
    data = prepare(recipe, cache_dir=home / "cache", reporter=reporter)
    request = Request(
        models=home / "models",
        cache=home / "cache",
        seeds=2,
        gate=True,
        gate_metric="macro_f1",
        gate_tolerance=0.01,
        source=tiny_fitted.run.path,
    )
    with pytest.raises(WorseModelError) as caught:
        fit(data, Folders(home / "runs", home / "models"), reporter, request=request)
    (path,) = (home / "runs").glob("tiny-*")
    return Run.open(path), spoken.getvalue(), caught.value


def test_a_worse_model_is_not_published_and_by_how_much_is_told(refused: tuple[Run, str, WorseModelError]) -> None:
    run, _, error = refused

    assert versions(run.request().models / "tiny") == []
    assert run.is_finished
    gate = run.metrics()["gate"]
    assert gate["worse"]
    assert (gate["heads"]["colour"]["metric"], gate["tolerance"]) == ("macro_f1", 0.01)
    assert "the macro F1 is " in str(error)
    assert "points lower [" in str(error)
    assert f"bifocal-training fit --resume {run.path} --no-gate" in str(error)


def test_the_best_seed_is_kept_and_the_spread_told(refused: tuple[Run, str, WorseModelError]) -> None:
    run, said, _ = refused
    told = run.metrics()["seeds"]
    accuracy = told["test"]["colour"]["accuracy"]

    assert told["monitor"] == "accuracy"
    assert told["validation"].keys() == {"3", "4"}
    best = max(told["validation"].items(), key=lambda item: (item[1]["accuracy"], -item[1]["loss"]))
    assert told["kept"] == int(best[0])
    assert run.log()[0]["val_loss"] == best[1]["loss"]
    kept = run.metrics()["test"]["colour"]["metrics"]["accuracy"]["value"]
    assert accuracy["values"][told["kept"] - 3] == pytest.approx(kept)
    assert accuracy["mean"] == pytest.approx(sum(accuracy["values"]) / 2)
    recipe = Bundle(run.bundle).metadata.recipe
    assert recipe is not None
    assert recipe["training"]["seed"] == told["kept"]
    assert "Training seed 4 (2 of 2)" in said


def test_a_bundle_brings_what_the_recipe_lets_it_show(refused: tuple[Run, str, WorseModelError]) -> None:
    examples = Bundle(refused[0].bundle).examples

    assert examples
    assert all(list(one) == ["tags"] and one["tags"] for one in examples)


def test_what_the_gate_refused_is_published_by_no_gate_alone(refused: tuple[Run, str, WorseModelError]) -> None:
    run, _, _ = refused
    quiet = Reporter(Console(quiet=True))

    outcome.publish_finished(run, quiet)
    outcome.publish_finished(run, quiet, publish=False, gate=False)
    with pytest.raises(WorseModelError, match="--no-gate"):
        outcome.publish_finished(run, quiet, publish=True)
    assert versions(run.request().models / "tiny") == []


def test_a_finished_run_can_be_judged_again(refused: tuple[Run, str, WorseModelError]) -> None:
    run, _, _ = refused
    quiet = Reporter(Console(quiet=True))
    data = prepare(run.recipe(), cache_dir=run.request().cache, reporter=quiet)
    kinder = run.request().model_copy(update={"gate_tolerance": 1.0, "publish": False})

    resume(run, data, quiet, request=kinder)
    assert not run.metrics()["gate"]["worse"]
    assert run.is_finished
    with pytest.raises(WorseModelError, match="points lower"):
        resume(run, data, quiet, request=kinder.model_copy(update={"gate_tolerance": 0.01, "publish": True}))
    assert versions(run.request().models / "tiny") == []


def test_a_model_that_was_refused_can_be_published_later_once(refused: tuple[Run, str, WorseModelError]) -> None:
    run, _, _ = refused
    spoken = io.StringIO()
    for _ in range(2):
        outcome.publish_finished(run, Reporter(Console(file=spoken, width=1000)), gate=False)

    assert versions(run.request().models / "tiny") == [1]
    assert "published:  tiny version 1" in spoken.getvalue()
    assert f"{run.name} is finished; nothing is left to be done." in spoken.getvalue()
