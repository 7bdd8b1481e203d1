"""`bifocal-training fit`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.commands.column_options import (
    RECIPE_SUFFIXES,
    GivenColumns,
    GroupOption,
    ImageOption,
    ImageRootOption,
    LabelOption,
    MaxBadOption,
    NameOption,
    RecipeOption,
    SourceArgument,
    SplitOption,
    TagsOption,
    TextOption,
)
from training.commands.process import begin, begun_before, go_on

if TYPE_CHECKING:
    from training.recipe import Recipe

WITH_RESUME = {"resume", "publish", "gate", "devices"}


def fit(
    context: typer.Context,
    source: SourceArgument = None,
    recipe: RecipeOption = None,
    image: ImageOption = None,
    text: TextOption = None,
    tags: TagsOption = None,
    label: LabelOption = None,
    group: GroupOption = None,
    split: SplitOption = None,
    name: NameOption = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training rows.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Rows a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest rate of AdamW.")] = None,
    monitor: Annotated[
        str | None,
        typer.Option(help="Validation figure that chooses the epoch: loss, accuracy, macro_f1, ...; HEAD.FIGURE."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, help="Epochs without a better one after which training stops.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="float32, bfloat16, or auto: the faster one in a short trial.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the weights, the order and the dropouts.")] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Train so many, from SEED on, and keep the best by validation.")
    ] = 1,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any key of the recipe: training.ema_decay=0.999. Repeatable."),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Run folder or bundle to start from: its weights and labels, and without columns its recipe.",
            show_default=False,
        ),
    ] = None,
    gate: Annotated[
        bool | None,
        typer.Option(
            "--gate/--no-gate",
            help="Publish only what is not worse than the model of --from, or the newest version, on the test rows.",
            show_default=False,
        ),
    ] = None,
    gate_metric: Annotated[
        str, typer.Option(help="Test figure that --gate goes by: accuracy, macro_f1, log_loss, ...")
    ] = "accuracy",
    gate_tolerance: Annotated[
        float, typer.Option(min=0.0, help="How much worse --gate lets through, in units of that figure.")
    ] = 0.0,
    publish: Annotated[
        bool | None, typer.Option("--publish/--no-publish", help="Publish the bundle, or leave it in the run.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Finish a run that was broken off; it needs no other option.", metavar="RUN")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            help="Name of the run folder. A run of that name that was broken off is gone on with: for jobs that are "
            "started again when they fail.",
            show_default=False,
        ),
    ] = None,
    devices: Annotated[
        str | None,
        typer.Option(
            help="Share each batch out among these: GPU:0,GPU:1, or all GPUs: all. (Several machines: TF_CONFIG.)",
            show_default=False,
        ),
    ] = None,
    max_bad: MaxBadOption = None,
    image_root: ImageRootOption = None,
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

        bifocal-training fit listings.yaml --epochs 50 --set training.ema_decay=0.999 --seeds 3

    Again on newer rows, from the weights and by the recipe of an earlier run, unless that is worse:

        bifocal-training fit --from runs/listings-20260102-030405 newer.csv --gate

    After Ctrl-C, a crash or a full disk, from where it was:

        bifocal-training fit --resume runs/listings-20260102-030405

    By several machines, the same command on each; the variable TF_CONFIG says who is who (docs/distributed.md):

        bifocal-training fit listings.yaml --run listings-2
    """
    if resume is not None:
        _refuse_others(context)
        go_on(resume, gate=gate, publish=publish, devices=devices)
        return
    if run is not None and (run in ("", ".", "..") or Path(run).name != run):
        raise typer.BadParameter(f"--run is the name of a folder in --runs-dir, without slashes. Received: {run!r}.")
    for option in ("gate_metric", "gate_tolerance"):
        if not gate and _is_given(context, option):
            raise typer.BadParameter(f"--{option.replace('_', '-')} has no effect without --gate.")
    training = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "monitor": monitor,
        "patience": patience,
        "precision": precision,
        "seed": seed,
    }
    columns = GivenColumns(source, recipe, image, text, tags, label, group, split, name, max_bad, image_root)
    chosen = _chosen(columns, start, training)
    if settings:
        from training.overrides import overridden

        chosen = overridden(chosen, settings)

    from training.request import Request
    from training.runs import Folders

    request = Request(
        models=models_dir.absolute(),
        cache=(cache_dir or runs_dir / ".cache").absolute(),
        seeds=seeds,
        alone=alone,
        publish=publish is not False,
        gate=bool(gate),
        gate_metric=gate_metric,
        gate_tolerance=gate_tolerance,
        source=start and start.absolute(),
    )
    if run is not None and (begun := begun_before(runs_dir, run, chosen, request)) is not None:
        go_on(begun, gate=gate, publish=publish, devices=devices)
        return
    begin(chosen, Folders(runs_dir, models_dir, run), request, devices=devices)


def _chosen(columns: GivenColumns, start: Path | None, training: dict[str, Any]) -> Recipe:
    """The recipe: that of the model to start from, if nothing else names one."""
    given = {key: value for key, value in training.items() if value is not None}
    named = [columns.recipe, columns.image, columns.text, columns.tags, columns.label, columns.group, columns.split]
    is_recipe = columns.source is not None and columns.source.suffix.lower() in RECIPE_SUFFIXES
    if start is None or is_recipe or any(named):
        return columns.resolve({**given, "init": start and start.absolute()})
    if columns.source is None:
        raise typer.BadParameter("--from RUN needs the manifest of the new rows beside it: fit --from RUN newer.csv.")
    from training.retraining import recipe_from

    recipe = recipe_from(
        start.absolute(),
        columns.source.absolute(),
        image_root=columns.image_root and columns.image_root.absolute(),
    )
    data = {} if columns.max_bad is None else {"max_bad": columns.max_bad}
    recipe = recipe.replace(data=data, training=given)
    return recipe if columns.name is None else recipe.renamed(columns.name)


def _refuse_others(context: typer.Context) -> None:
    for name in context.params:
        if name not in WITH_RESUME and _is_given(context, name):
            raise typer.BadParameter(
                f"--resume goes on as the run began, without {name!r}. To train with other settings from the weights "
                "of a finished run: fit --from RUN MANIFEST."
            )


def _is_given(context: typer.Context, name: str) -> bool:
    given = context.get_parameter_source(name)
    return given is not None and given.name == "COMMANDLINE"
