"""The report's page: what a run folder holds, brought into the order in which it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from model.spec import MultiLabelHead
from training import run_contents
from training.confusions import confusions
from training.modalities import modalities
from training.numbers import METRICS, OVERLAP, figure, measure, signed
from training.report import charts
from training.report.advice import advise
from training.report.charts import Line
from training.report.gallery import Gallery, gallery
from training.report.mistakes import Mistake, worst
from training.run_contents import Contents, Figures

# With more labels a confusion matrix is drawn as a map, for nobody reads so many numbers.
LABELS_IN_FULL = 20
CONFUSIONS_LISTED = 12
# With very many labels there is no matrix, and they are all that is told.
CONFUSIONS_WITHOUT_MATRIX = 60


@dataclass(frozen=True)
class HeadView:
    """A head as the page shows it.

    Args:
        name: of the head.
        figures: of the test split.
        is_multi_label: whether a row may have several labels.
        classes: (label, figures), worst F1 first, and last the labels without a test row.
        confused: (right, predicted, count) of what happened more than once, most frequent first.
        map: the confusion matrix as a drawing, if it has too many labels to be read.
        reliability: the reliability diagram.
    """

    name: str
    figures: Figures
    is_multi_label: bool
    classes: Sequence[tuple[str, Mapping[str, Any]]]
    confused: Sequence[tuple[str, str, int]]
    map: Markup | None
    reliability: Markup | None


def html(run: Contents, *, mistakes: int) -> str:
    """The page.

    Args:
        run: what the folder holds.
        mistakes: how many to show, of all heads together.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"measure": measure, "figure": figure, "signed": signed}
    found = _mistakes(run, mistakes)
    return environment.get_template("report.html.j2").render(
        run=run,
        advice=advise(run),
        heads=[_head(run, name, figures) for name, figures in run.test.items()],
        metrics={name: told for name, told in METRICS.items() if _is_told(run, name)},
        overlap=OVERLAP,
        curves=_curves(run),
        kept=next((line["epoch"] for line in reversed(run.log) if line.get("best")), 0),
        absent={head: _absent(run, figures) for head, figures in run.test.items()},
        gallery=found,
        recipe=yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
    )


def _is_told(run: Contents, name: str) -> bool:
    return any(figures.get("metrics", {}).get(name) for figures in run.test.values())


def _head(run: Contents, name: str, figures: Figures) -> HeadView:
    classes: Mapping[str, Mapping[str, Any]] = figures.get("classes", {})
    matrix, confused = figures.get("confusion") or [], confusions(figures)
    several = sorted(((*pair, count) for pair, count in confused.items() if count > 1), key=lambda one: -one[2])
    bins = figures.get("reliability", [])
    return HeadView(
        name=name,
        figures=figures,
        is_multi_label=isinstance(run.recipe.spec.heads.get(name), MultiLabelHead),
        classes=sorted(classes.items(), key=lambda one: (not one[1]["support"], _value(one[1].get("f1")))),
        confused=several[: CONFUSIONS_LISTED if matrix else CONFUSIONS_WITHOUT_MATRIX],
        map=charts.confusion(matrix, title=f"Confusion matrix of {name}") if len(matrix) > LABELS_IN_FULL else None,
        reliability=charts.reliability(bins, title=f"Reliability diagram of {name}") if bins else None,
    )


def _curves(run: Contents) -> list[tuple[str, Markup]]:
    """Captions and charts of the epochs."""
    if not run.log:
        return []
    kept = next((line["epoch"] for line in reversed(run.log) if line.get("best")), 0)

    def line(name: str, key: str) -> Line:
        return Line(name, [(one["epoch"], one[key]) for one in run.log if key in one])

    losses = charts.curves(
        [line("training", "loss"), line("validation", "val_loss")],
        title="Training and validation loss by epoch",
        x="epoch",
        y="loss (nats)",
        mark=kept,
    )
    accuracy = charts.curves(
        [line("validation", "val_accuracy")],
        title="Validation accuracy by epoch",
        x="epoch",
        y="accuracy",
        top=1.0,
        mark=kept,
    )
    return [
        ("Loss. In training with dropout and withheld inputs, so it may be above validation.", losses),
        ("Accuracy on the validation rows, mean over the heads.", accuracy),
    ]


def _absent(run: Contents, figures: Figures) -> list[tuple[str, Mapping[str, Any]]]:
    """(what is withheld, metrics): each input, then each modality that is more than one input."""
    found = figures.get("absent", {})
    several = {name: inputs for name, inputs in modalities(run.recipe.spec).items() if len(inputs) > 1}
    told = []
    for name, metrics in found.items():
        if name in run.recipe.spec.inputs:
            told.append((name, metrics))
        elif name in several:
            told.append((f"all {name} ({', '.join(several[name])})", metrics))
    return told


def _mistakes(run: Contents, count: int) -> Gallery:
    heads, table = run.recipe.spec.heads, run_contents.predictions(run.path)
    if table is None:
        return Gallery([], ["There are none to show: the run folder has no predictions.csv."])
    told = {name: head for name, head in heads.items() if f"{name}.label" in table.columns}
    chosen: list[Mistake] = []
    for name, head in told.items():
        chosen += worst(table, name, head, count=math.ceil(count / len(told)))
    return gallery(chosen, run)


def _value(found: Mapping[str, float] | None) -> float:
    return -1.0 if found is None else found["value"]
