"""`bifocal-training evaluate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from training.commands.column_options import ImageRootOption, MaxBadOption
from training.commands.console import reporter as console_reporter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from training.evaluation.rows import Rows
    from training.evaluation.subject import Subject
    from training.progress import Reporter


class SplitName(StrEnum):
    """Which rows of a manifest."""

    test = "test"
    val = "val"
    train = "train"
    all = "all"


def evaluate(
    model: Annotated[
        Path, typer.Argument(metavar="RUN_OR_BUNDLE", help="Run folder or bundle.", exists=True, file_okay=False)
    ],
    manifest: Annotated[
        Path | None,
        typer.Argument(help="The table of examples; the run's own if not given.", show_default=False),
    ] = None,
    split: Annotated[
        SplitName | None,
        typer.Option(
            help="Which rows. If not given: test of the manifest that the model was trained on, all rows of another.",
            show_default=False,
        ),
    ] = None,
    slice_: Annotated[
        list[str] | None,
        typer.Option("--slice", metavar="COLUMN", help="Figures for each value of a column too. Repeatable."),
    ] = None,
    image_root: ImageRootOption = None,
    max_bad: MaxBadOption = None,
    skip_unknown_labels: Annotated[
        bool,
        typer.Option("--skip-unknown-labels", help="Leave out labels that the model does not know, and count them."),
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write metrics.json and predictions.csv.", show_default=False)
    ] = None,
    cache_dir: Annotated[
        Path | None,
        typer.Option(help="Where decoded pictures are kept; that of the run if not given, else runs/.cache."),
    ] = None,
) -> None:
    """Measure a model as it is served: every figure with a 95 % interval, also without each input, and on slices.

    A run on its own test split, and by brand:

        bifocal-training evaluate runs/listings-20260102-030405 --slice brand

    A published version on newer rows:

        bifocal-training evaluate models/listings/3 march.csv --skip-unknown-labels --out march
    """
    from training.evaluation import written
    from training.evaluation.rows import Wanted, read
    from training.evaluation.subject import Subject
    from training.learned_rows import learned_from
    from training.runs import Run

    reporter = console_reporter()
    subject = Subject(model)
    if out is not None:
        written.require_writable(out)
    wanted = Wanted(
        trained_on=subject.trained_on,
        # The run's own, even if rows were added to it since: those that it was trained on never count.
        split=split.value if split is not None else "test" if manifest is None else None,
        slices=tuple(dict.fromkeys(slice_ or ())),
        skip_unknown_labels=skip_unknown_labels,
    )
    recipe = subject.recipe(manifest, image_root=image_root)
    if max_bad is not None:
        recipe = recipe.replace(data={"max_bad": max_bad})
    cache = cache_dir or (Run(model).cache if subject.is_run else Path("runs") / ".cache")
    rows = read(recipe, wanted, cache_dir=cache, reporter=reporter)
    _tell_rows(rows, recipe.data.manifest.name, learned_from(model, Path("runs")), reporter)
    _measure(subject, rows, recipe.data.manifest.name, out, reporter)


def _tell_rows(rows: Rows, name: str, learned: NDArray[np.bytes_] | None, reporter: Reporter) -> None:
    import numpy as np

    from training.manifest import listing

    of = f"the split {rows.split!r} of " if rows.split != "all" else ""
    reporter.say(f"{len(rows.examples)} rows of {of}{name}")
    if rows.bad:
        many = "rows" if len(rows.bad) > 1 else "row"
        reporter.say(f"warning: {len(rows.bad)} {many} can't be used, left out:\n{listing(rows.bad)}")
    for head, counts in rows.unknown.items():
        told = ", ".join(f"{label!r} ({times})" for label, times in counts.items())
        reporter.say(f"warning: left out, as the model does not know these labels of {head} (in how many rows): {told}")
    known = 0 if learned is None else int(np.isin(rows.contents, learned).sum())
    if known:
        reporter.say(
            f"warning: the model learned from {known:,} of these rows; its figures are better than they will be on new "
            "rows. --split test takes those that it has not seen, as far as rows did not move."
        )


def _measure(subject: Subject, rows: Rows, name: str, out: Path | None, reporter: Reporter) -> None:
    from model.greeting import filtered
    from training.evaluation import About, evaluate, telling, written
    from training.modalities import worth_withholding

    reporter.say("Starting TensorFlow ...")
    with filtered(), reporter.task("Measuring") as task:
        found = evaluate(
            subject.spec,
            rows.examples,
            lambda examples: subject.probabilities(examples, progress=task.update),
            subject.calibrations,
            About(subject.commonest, rows.groups, rows.slices),
        )
    for head, figures in found.figures.items():
        for line in ("", *telling.lines(head, figures, withheld=worth_withholding(subject.spec))):
            reporter.say(line)
    if out is not None:
        written.write(out, subject, rows, found, manifest=name)
        reporter.say(f"\nwritten: {out / 'metrics.json'}, {out / 'predictions.csv'}")
