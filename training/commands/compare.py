"""`bifocal-training compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.column_options import (
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
from training.commands.console import reporter as console_reporter

if TYPE_CHECKING:
    from training.comparison.candidates import Asked
    from training.comparison.rules import Rules
    from training.recipe import Recipe


def compare(
    source: SourceArgument = None,
    recipe: RecipeOption = None,
    image: ImageOption = None,
    text: TextOption = None,
    tags: TagsOption = None,
    label: LabelOption = None,
    group: GroupOption = None,
    split: SplitOption = None,
    name: NameOption = None,
    merges: Annotated[
        str | None, typer.Option(help="Merges to compare, with commas between; all if not given.", metavar="KIND,...")
    ] = None,
    image_branches: Annotated[
        str | None,
        typer.Option(
            help="Compare these branches over pictures instead, merged as the recipe says.", metavar="KIND,..."
        ),
    ] = None,
    text_branches: Annotated[
        str | None,
        typer.Option(help="Compare these branches over texts instead; with both, every pair.", metavar="KIND,..."),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="Figure to compare by, as `evaluate` names it; any but ece.")
    ] = "accuracy",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each network; figures are their means.")] = 1,
    margin: Annotated[
        float, typer.Option(help="Least gain worth having; the verdict says so if none that large is left open.")
    ] = 0.02,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training rows.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="First of the seeds.")] = None,
    max_bad: MaxBadOption = None,
    image_root: ImageRootOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; runs/compare-NAME if not given.", show_default=False)
    ] = None,
    cache_dir: Annotated[
        Path | None, typer.Option(help="Where decoded pictures are kept; .cache beside OUT if not given.")
    ] = None,
) -> None:
    """Find out whether merging helps: the words by a linear model, each modality alone, both together in many ways.

        bifocal-training compare listings.yaml --merges concatenate,gated --seeds 3

    All train on the same rows, for the same epochs, from the same seeds. It prints a table and a verdict, and writes
    compare.md, compare.json, table.csv and compare.png. Run it again and finished trainings are used again. From
    columns instead of a recipe, and other branches instead of other merges:

        bifocal-training compare listings.csv --image photo --text title --label category --image-branches conv,residual
    """
    given = GivenColumns(source, recipe, image, text, tags, label, group, split, name, max_bad, image_root)
    chosen = given.resolve({"epochs": epochs, "seed": seed})

    from training.comparison.candidates import Asked
    from training.comparison.metric import Metric
    from training.comparison.rules import Rules
    from training.known_comparison import folder

    asked = Asked(_kinds(merges), _kinds(image_branches) or (), _kinds(text_branches) or ())
    out = out or folder(Path("runs"), chosen.name)
    _compare(chosen, asked, Rules(seeds, Metric(metric), margin), out, cache_dir or out.parent / ".cache")


def _compare(recipe: Recipe, asked: Asked, rules: Rules, out: Path, cache: Path) -> None:
    from model.errors import StoppedError
    from model.greeting import filtered
    from training.comparison.lineup import lineup
    from training.comparison.parts import at_work
    from training.convolutions import require
    from training.prepare import prepare

    reporter = console_reporter()
    # Before the data is read and TensorFlow imported: what can't be compared is told at once.
    rules.heads(recipe.spec)
    require(recipe.training.convolutions)
    for left_out, reason in lineup(recipe.spec, asked).left_out.items():
        reporter.say(f"{left_out} is left out: {reason}")
    data = prepare(recipe, cache_dir=cache, reporter=reporter)
    with at_work(out):
        data.findings.write(out)
        data.findings.tell(reporter)
        reporter.say("Starting TensorFlow ...")
        with filtered():
            from training.comparison import record, table
            from training.comparison.compare import compare
            from training.stopping import Stop

        try:
            with Stop() as stop:
                comparison = compare(data, asked, rules, out=out, reporter=reporter, stop=stop)
        except StoppedError as error:
            raise StoppedError("Stopped. Run it again and it goes on from here.", signal=error.signal) from None
        record.write(comparison, out, manifest_sha256=data.digest)
    for head, verdict in comparison.verdicts.items():
        reporter.show(table.of_console(comparison, head))
        reporter.say("")
        reporter.say(verdict.text)
    for note in record.notes(comparison):
        reporter.say(f"- {note}")
    reporter.say(f"written: {out / 'compare.md'}, compare.json, table.csv, compare.png")


def _kinds(option: str | None) -> tuple[str, ...] | None:
    return None if option is None else tuple(kind.strip() for kind in option.split(",") if kind.strip())
