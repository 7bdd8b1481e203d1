"""What was taken for what, from the figures of a head in either form that `metrics.json` has it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def confusions(figures: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """How many rows with one label, the first, were taken for another; of very many labels the most frequent alone.

    Args:
        figures: of a head, with `classes` and `confusion`, a matrix, or `confused`, its fullest cells.
    """
    labels = list(figures.get("classes", {}))
    matrix = {
        (labels[row], labels[column]): count
        for row, line in enumerate(figures.get("confusion") or [])
        for column, count in enumerate(line)
        if count and row != column
    }
    return matrix | {(right, predicted): count for right, predicted, count in figures.get("confused") or []}


def mistakes(figures: Mapping[str, Any]) -> int:
    """How many rows of a head with one label a row were answered wrong."""
    return round(figures["examples"] * (1 - figures["metrics"]["accuracy"]["value"]))
