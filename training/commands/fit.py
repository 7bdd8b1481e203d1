"""`bifocal-training fit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.console import reporter as console_reporter

if TYPE_CHECKING:
    from training.fit import Fitted
    from training.progress import Reporter
    from training.recipe import Recipe


def fit(
    manifest: Annotated[
        Path | None,
        typer.Argument(help="The table of examples, CSV or TSV, one row each.", show_default=False),
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="A recipe in YAML instead of columns.", show_default=False)
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(help="Column of picture paths; NAME=COLUMN names the input. Repeatable.", show_default=False),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="Column of texts; likewise.", show_default=False),
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option(help="Column of comma-delimited tags; likewise.", show_default=False),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(help="Column to predict; NAME=COLUMN names the head. Repeatable.", show_default=False),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose equal values stay in one split.", show_default=False)
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(help="Column that says train, val or test; made 70/15/15 if not given.", show_default=False),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the model; the manifest's name if not given.", show_default=False),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training rows.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the weights, the order and the dropouts.")] = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", help="Run folder or bundle to start from: all branches, layers and labels that it has."),
    ] = None,
    max_bad: Annotated[
        float | None, typer.Option(min=0, max=1, help="Share of unusable rows above which training refuses.")
    ] = None,
    image_root: Annotated[
        Path | None, typer.Option(help="Folder that picture paths are relative to; else the manifest's.")
    ] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="Also train the picture alone and the words alone, to compare.")
    ] = False,
    runs_dir: Annotated[Path, typer.Option(help="Where the run folder is made.")] = Path("runs"),
    models_dir: Annotated[Path, typer.Option(help="Where the bundle is published.")] = Path("models"),
    cache_dir: Annotated[
        Path | None, typer.Option(help="Where decoded pictures are kept; RUNS_DIR/.cache if not given.")
    ] = None,
) -> None:
    """Train on a manifest, test once, and publish the bundle.

    From columns:

        bifocal-training fit listings.csv --image photo --text title --label category --name listings

    From a recipe (a run folder holds the one it used, as recipe.yaml):

        bifocal-training fit --recipe listings.yaml --epochs 50

    Again on newer rows, from the weights of an earlier run:

        bifocal-training fit --recipe listings.yaml --from runs/listings-20260102-030405
    """
    from training import recipe_columns, recipe_file

    if recipe is not None:
        given = [image, text, tags, label, group, split]
        if any(given):
            raise typer.BadParameter("--recipe and columns do not go together: the recipe names the columns.")
        chosen = recipe_file.load(recipe)
    elif manifest is not None:
        chosen = recipe_columns.from_columns(
            manifest.absolute(),
            name=name or recipe_columns.name_of(manifest),
            image=image or [],
            text=text or [],
            tags=tags or [],
            label=label or [],
            group=group,
            split=split,
        )
    else:
        raise typer.BadParameter("Give a MANIFEST with columns, or --recipe FILE.")
    data = {
        "manifest": manifest and manifest.absolute(),
        "max_bad": max_bad,
        "image_root": image_root and image_root.absolute(),
    }
    chosen = chosen.replace(
        data={key: value for key, value in data.items() if value is not None},
        training={
            key: value
            for key, value in (("epochs", epochs), ("seed", seed), ("init", start and start.absolute()))
            if value is not None
        },
    )
    if name is not None:
        chosen = chosen.renamed(name)
    _fit(chosen, runs_dir, models_dir, cache_dir or runs_dir / ".cache", alone)


def _fit(recipe: Recipe, runs: Path, models: Path, cache: Path, alone: bool) -> None:
    from model.greeting import filtered
    from training.prepare import prepare
    from training.runs import Folders

    reporter = console_reporter()
    # Before TensorFlow is imported: what is wrong with folders and data is told at once.
    folders = Folders(runs, models)
    folders.require_writable()
    data = prepare(recipe, cache_dir=cache, reporter=reporter)
    reporter.say("Starting TensorFlow ...")
    with filtered():
        from training.fit import fit

    fitted = fit(data, folders, reporter, each_alone=alone)
    _tell(fitted, recipe, models, reporter)


def _tell(fitted: Fitted, recipe: Recipe, models: Path, reporter: Reporter) -> None:
    for head, figures in fitted.metrics["test"].items():
        low, high = figures["accuracy_interval"]
        reporter.say(
            f"test accuracy of {head}: {figures['accuracy']:.3f} [{low:.3f}, {high:.3f}], {figures['examples']} rows; "
            f"always the commonest answer: {figures['majority']:.3f}"
        )
        for modality, accuracies in fitted.metrics.get("alone", {}).items():
            if head in accuracies:
                reporter.say(f"  the {modality} alone, trained the same way: {accuracies[head]:.3f}")
        for name, accuracy in figures.get("accuracy_without", {}).items():
            reporter.say(f"  this model when {name} is absent: {accuracy:.3f}")
    reporter.say(f"run folder: {fitted.run.path}")
    reporter.say(f"published:  {recipe.name} version {fitted.published.name} in {fitted.published.parent}")
    reporter.say(f"serve it:   bifocal-service serve {models}")
