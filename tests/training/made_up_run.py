"""Run folders with figures and predictions of our choice, on the tiny set."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests import tiny
from training.recipe import Recipe
from training.run_contents import Contents

LABELS = ("blue", "green", "red")
# Rows right, columns predicted.
CONFUSION = [[40, 0, 0], [0, 40, 0], [0, 0, 40]]


def measured(value: float, reach: float = 0.02) -> dict[str, float]:
    """A figure with its interval."""
    return {"value": value, "low": value - reach, "high": value + reach}


def figures(
    confusion: Sequence[Sequence[int]] = CONFUSION, labels: Sequence[str] = LABELS, **changes: Any
) -> dict[str, Any]:
    """Figures of a head as `metrics.json` has them, with what follows from a confusion matrix as it follows."""
    matrix = np.array(confusion)
    right, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    recall, precision = right / np.maximum(support, 1), right / np.maximum(predicted, 1)
    f1 = 2 * right / np.maximum(support + predicted, 1)
    accuracy = right.sum() / matrix.sum()
    names = ("macro_f1", "micro_f1", "roc_auc", "average_precision", "log_loss", "brier")
    made = {
        "examples": int(matrix.sum()),
        "majority": float(support.max() / matrix.sum()),
        "metrics": {
            "accuracy": measured(float(accuracy)),
            "balanced_accuracy": measured(float(recall.mean())),
            **{name: measured(0.5) for name in names},
            "ece": measured(0.02, 0.01),
        },
        "classes": {
            label: {
                "precision": measured(float(precision[index])),
                "recall": measured(float(recall[index])),
                "f1": measured(float(f1[index])),
                "average_precision": None,
                "support": int(support[index]),
            }
            for index, label in enumerate(labels)
        },
        "confusion": matrix.tolist(),
        "reliability": [
            {"low": 0.0, "high": 0.5, "count": 0, "confidence": 0.0, "accuracy": 0.0},
            {"low": 0.5, "high": 1.0, "count": int(matrix.sum()), "confidence": 0.9, "accuracy": float(accuracy)},
        ],
        "absent": {name: {"accuracy": measured(0.4)} for name in ("image", "text", "tags", "picture", "words")},
        "calibration": {"temperature": 1.25},
    }
    return {**made, **changes}


def epochs(losses: Sequence[float], val_losses: Sequence[float]) -> list[dict[str, Any]]:
    """Lines of a log."""
    best = int(np.argmin(val_losses))
    return [
        {"epoch": at + 1, "loss": loss, "val_loss": val_loss, "val_accuracy": 0.5, "best": at <= best}
        for at, (loss, val_loss) in enumerate(zip(losses, val_losses, strict=True))
    ]


def contents(
    recipe: Recipe | None = None,
    *,
    test: Mapping[str, Any] | None = None,
    log: Sequence[Mapping[str, Any]] = (),
    findings: Mapping[str, Any] | None = None,
    **metrics: Any,
) -> Contents:
    """A run that was read."""
    recipe = (recipe or tiny.recipe(Path("manifest.csv"), epochs=10)).with_labels({"colour": LABELS})
    figures_of = {"colour": figures()} if test is None else test
    return Contents(
        Path("runs/tiny"), recipe, {"test": figures_of, "seconds": 1.0, **metrics}, list(log), findings or {}, [], None
    )


def found(**changes: Any) -> dict[str, Any]:
    """What a data check found: nothing but what is given."""
    nothing = {
        "rows": 1000,
        "bad": 0,
        "splits": {"train": 700, "val": 150, "test": 150},
        "labels": {"colour": {label: {"train": 10, "val": 2, "test": 2} for label in LABELS}},
        "absent": {"image": {"train": 0, "val": 0, "test": 0}},
        "texts_without_a_word": {},
        "duplicates": {"rows": 0, "whole_row": 0, "same_file": 0, "look_alike": 0, "with_another_label": 0},
        "contradictions": {"contents": 0, "rows": 0},
        "label_in_text": [],
        "groups_in_several_splits": 0,
        "warnings": [],
        "refusals": [],
    }
    return {**nothing, **changes}


def folder(
    path: Path,
    recipe: Recipe,
    *,
    metrics: Mapping[str, Any] | None = None,
    predictions: str = "",
    log: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """A run folder without a bundle; predictions as `rows()` makes them."""
    path.mkdir(parents=True)
    (path / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    if metrics is not None:
        (path / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    if predictions:
        (path / "predictions.csv").write_text(predictions, encoding="utf-8")
    (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log), encoding="utf-8")
    return path


def rows(answers: Mapping[int, tuple[str, str, float]], *, head: str = "colour", labels: Sequence[str] = LABELS) -> str:
    """A predictions.csv: for each row its right label, the predicted one and the probability of that."""
    lines = [",".join(["row", f"{head}.label", f"{head}.predicted", *(f"{head}:{label}" for label in labels)])]
    for row, (right, predicted, probability) in answers.items():
        rest = (1 - probability) / (len(labels) - 1)
        values = [probability if label == predicted else rest for label in labels]
        lines.append(",".join([str(row), right, predicted, *map(str, values)]))
    return "\n".join(lines) + "\n"


def with_mistakes(source: Path, target: Path) -> Path:
    """A copy of a run on the tiny set whose model is said to have got the first three test rows wrong."""
    shutil.copytree(source, target)
    # Rows 13 to 15 of the set are red, green and blue; the picture of 15 is absent.
    answers = {13: ("red", "blue", 0.9), 14: ("green", "red", 0.8), 15: ("blue", "green", 0.7)}
    (target / "predictions.csv").write_text(rows(answers), encoding="utf-8")
    wrong = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    metrics = {"test": {"colour": figures(wrong)}, "parameters": 1234, "seconds": 1.0}
    (target / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return target
