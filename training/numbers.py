"""How figures are called and written."""

from __future__ import annotations

import math
from collections.abc import Mapping

# What each metric is called, and what it is.
METRICS = {
    "accuracy": ("accuracy", "share of the rows whose most probable label is right"),
    "subset_accuracy": ("subset accuracy", "share of the rows with exactly the right labels"),
    "balanced_accuracy": ("balanced accuracy", "mean of the recalls: every label counts alike, however rare"),
    "macro_f1": ("macro F1", "mean of the labels' F1, which is between precision and recall"),
    "micro_f1": ("micro F1", "F1 over all answers together"),
    "roc_auc": ("ROC AUC", "chance that a right answer gets a higher probability than a wrong one; 0.5 is guessing"),
    "average_precision": ("average precision", "mean precision over all recalls"),
    "log_loss": ("log loss", "nats; lower is better"),
    "brier": ("Brier score", "squared error of the probabilities; lower is better"),
    "ece": ("calibration error (ECE)", "how far the probabilities are from how often they are right; lower is better"),
}
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "ece"})
# Chance only ever adds to it, so that resamples say nothing of a difference.
NOT_COMPARED = "ece"
# What accuracy is of a head with several labels.
OVERLAP = "labels both right and predicted by labels that are either, mean over the rows"


def figure(value: float | None) -> str:
    """A number with three decimals; a dash for none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.3f}"


def measure(found: Mapping[str, float] | float | None) -> str:
    """A figure with its interval: "0.684 [0.633, 0.732]"; a dash for one that is not defined."""
    if not isinstance(found, Mapping):
        return figure(found)
    return f"{figure(found['value'])} [{figure(found['low'])}, {figure(found['high'])}]"


def signed(value: float) -> str:
    """A number with its sign and two decimals."""
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")
