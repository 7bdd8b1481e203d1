"""`bifocal-training check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.commands import column_options as options
from training.commands.console import reporter as console_reporter


def check(
    source: options.SourceArgument = None,
    recipe: options.RecipeOption = None,
    image: options.ImageOption = None,
    text: options.TextOption = None,
    tags: options.TagsOption = None,
    label: options.LabelOption = None,
    group: options.GroupOption = None,
    split: options.SplitOption = None,
    max_bad: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of unusable rows above which it fails; 0.01 if nothing says."),
    ] = None,
    image_root: options.ImageRootOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the lists; check-NAME if not given.", show_default=False)
    ] = None,
    splits: Annotated[
        Path | None,
        typer.Option(help="CSV to write the split of each row to, to keep it as a column.", show_default=False),
    ] = None,
    cache_dir: Annotated[Path, typer.Option(help="Where decoded pictures are kept; fit's is RUNS_DIR/.cache.")] = Path(
        "runs/.cache"
    ),
) -> None:
    """Read every row and decode every picture, and list what is wrong with them.

        bifocal-training check listings.csv --image photo --text title --label category

        bifocal-training check --recipe listings.yaml

    Finds rows that can't be used, pictures in more than one split (the same file, or one that looks the same), rows of
    the same content with different labels, texts that contain their label. The lists go to bad_rows.csv,
    duplicates.csv, contradictions.csv and label_in_text.csv, the counts to check.json.

    Exits with 1 if more rows than --max-bad can't be used, or nothing could be trained on the rest. `fit` does the same
    check first; what was decoded here it does not decode again.
    """
    given = options.GivenColumns(
        source, recipe, image, text, tags, label, group, split, max_bad=max_bad, image_root=image_root
    )
    chosen = given.resolve()
    from training.check import examine

    reporter = console_reporter()
    findings = examine(chosen, cache_dir=cache_dir, reporter=reporter)
    directory = out or Path(f"check-{chosen.name}")
    lists = findings.write(directory)
    findings.tell(reporter)
    if splits is not None:
        findings.write_splits(splits)
        reporter.say(f"the split of each row is in {splits}: as a column of the table, named with --split, it stays")
    reporter.say(f"written to {directory}: {', '.join(['check.json', *(file.name for file in lists)])}")
    if findings.share_bad > findings.manifest.recipe.data.max_bad or findings.refusals:
        raise typer.Exit(1)
