"""Advice on how far the figures and the probabilities can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from training.report.advice.advice import Advice
from training.run_contents import Contents, Figures, measured

ECE = 0.05
WIDTH = 0.12


def rules(run: Contents) -> Iterator[Advice]:
    """What the figures of each head say of themselves."""
    for head, figures in run.test.items():
        yield from _no_better_than_constant(head, figures)
        yield from _badly_calibrated(head, figures)
        yield from _another_validation(run, head, figures)
        yield from _few_rows(head, figures)


def _no_better_than_constant(head: str, figures: Figures) -> Iterator[Advice]:
    accuracy = measured(figures, "accuracy")
    if accuracy and accuracy["low"] <= figures["majority"]:
        yield Advice(
            f"{head} is no better than always the commonest answer",
            f"Test accuracy {accuracy['value']:.3f} [{accuracy['low']:.3f}, {accuracy['high']:.3f}]; the commonest "
            f"answer alone gives {figures['majority']:.3f}.",
            "Look at the mistakes below and at which columns the inputs are: can they tell the labels at all? Then try "
            "another learning rate, more epochs, more rows; for rare labels, their weight.",
            ("data.columns", "training.learning_rate", "training.epochs", f"spec.heads.{head}.class_weights"),
        )


def _badly_calibrated(head: str, figures: Figures) -> Iterator[Advice]:
    ece = measured(figures, "ece")
    if ece is None or ece["low"] <= ECE:
        return
    bins = [one for one in figures.get("reliability", []) if one["count"]]
    rows = sum(one["count"] for one in bins) or 1
    over = sum(one["count"] * (one["confidence"] - one["accuracy"]) for one in bins) / rows
    evidence = f"The expected calibration error is {ece['value']:.3f} [{ece['low']:.3f}, {ece['high']:.3f}]"
    if over > 0:
        about, what = f"{head} is surer than it should be", "on average the probability is {:.3f} too high"
        remedy = "Smooth the labels, drop more features, or stop earlier."
        keys = (f"spec.heads.{head}.label_smoothing", "spec.trunk.dropout", "training.monitor")
    else:
        about, what = f"{head} is less sure than it could be", "on average the probability is {:.3f} too low"
        remedy = "Less label smoothing or focal loss, or more epochs."
        keys = (f"spec.heads.{head}.label_smoothing", f"spec.heads.{head}.focal_gamma", "training.epochs")
    yield Advice(
        about,
        f"{evidence}; {what.format(abs(over))}.",
        f"{remedy} The temperature is fitted on the validation rows: with more of them it fits better.",
        (*keys, "data.split.validation"),
    )


def _another_validation(run: Contents, head: str, figures: Figures) -> Iterator[Advice]:
    test, chosen_on, rows = measured(figures, "accuracy"), *_on_validation(run, head)
    if not test or not chosen_on or (chosen_on["low"] <= test["high"] and test["low"] <= chosen_on["high"]):
        return
    yield Advice(
        f"Validation and test do not agree on {head}",
        f"Validation accuracy {chosen_on['value']:.3f} [{chosen_on['low']:.3f}, {chosen_on['high']:.3f}] on "
        f"{rows} rows, test {test['value']:.3f} [{test['low']:.3f}, {test['high']:.3f}] on "
        f"{figures['examples']}.",
        "Near-duplicates of training rows in one of the splits do that (name a group column that keeps them together; "
        "`check` finds them), so does a split by time or source, and a small validation split.",
        ("data.group", "data.split.column", "data.split.validation"),
    )


def _few_rows(head: str, figures: Figures) -> Iterator[Advice]:
    accuracy = measured(figures, "accuracy")
    if accuracy and accuracy["high"] - accuracy["low"] > WIDTH:
        yield Advice(
            f"The test split is small for {head}",
            f"On {figures['examples']} rows the accuracy lies anywhere between {accuracy['low']:.3f} and "
            f"{accuracy['high']:.3f}: two models that differ by less can't be told apart.",
            "A larger test split, or more rows in all.",
            ("data.split.test",),
        )


def _on_validation(run: Contents, head: str) -> tuple[Mapping[str, float] | None, int]:
    """The validation accuracy of a head with its interval, and how many rows that is of."""
    validation = run.metrics.get("validation", {}).get(head)
    if validation:
        return measured(validation, "accuracy"), validation["examples"]
    value, rows = run.metrics.get("best_epoch", {}).get("val_accuracy"), run.findings.get("splits", {}).get("val", 0)
    if value is None or not rows or len(run.test) > 1:  # with several heads it is their mean
        return None, 0
    reach = 1.96 * (value * (1 - value) / rows) ** 0.5
    return {"value": value, "low": max(0.0, value - reach), "high": min(1.0, value + reach)}, rows
