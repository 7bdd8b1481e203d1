"""Figures as tables on a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from training.numbers import METRICS, figure, measure

# Of a slice; all figures are in metrics.json.
OF_SLICE = ("accuracy", "balanced_accuracy", "macro_f1", "average_precision", "log_loss", "ece")
OF_CLASS = ("precision", "recall", "f1", "average_precision")
# Of a value that a slice is called by: one long cell would make every line of the table as long.
SHOWN_CHARACTERS = 60


def lines(head: str, figures: Mapping[str, Any], *, withheld: Collection[str]) -> Iterator[str]:
    """All that was measured of a head, as lines: figures with and without each input, labels, slices.

    Args:
        head: its name.
        figures: as `metrics.json` holds them.
        withheld: the inputs and modalities whose absence is shown.
    """
    answer = ", ".join(figures["commonest"]) or "no label"
    yield f"{head}: {figures['examples']} rows; always {answer!r}: accuracy {figure(figures['majority'])}"
    yield from indented(_metrics(figures, withheld))
    yield ""
    yield from indented(_classes(figures))
    for column, slices in figures.get("slices", {}).items():
        yield ""
        yield from indented(_slices(column, slices))


def indented(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table as lines: the first column to the left, all others too, as wide as their widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()


def _metrics(figures: Mapping[str, Any], withheld: Collection[str]) -> list[list[str]]:
    absent = {name: found for name, found in figures.get("absent", {}).items() if name in withheld}
    header = ["95 % interval", "all inputs", *(f"without {name}" for name in absent)]
    shown = [name for name in METRICS if name in figures["metrics"]]
    return [
        header,
        *(
            [METRICS[name][0], *(measure(found[name]) for found in (figures["metrics"], *absent.values()))]
            for name in shown
        ),
    ]


def _classes(figures: Mapping[str, Any]) -> list[list[str]]:
    thresholds = figures["calibration"].get("thresholds")
    header = ["label", "rows", *(name.replace("_", " ") for name in OF_CLASS), *(["threshold"] if thresholds else [])]
    return [
        header,
        *(
            [
                label,
                str(one["support"]),
                *(measure(one[name]) for name in OF_CLASS),
                *([figure(thresholds[label])] if thresholds else []),
            ]
            for label, one in figures["classes"].items()
        ),
    ]


def _slices(column: str, slices: Mapping[str, Any]) -> list[list[str]]:
    return [
        [column, "rows", *(METRICS[name][0] for name in OF_SLICE)],
        *(
            [_cut(value), str(one["examples"]), *(measure(one["metrics"][name]) for name in OF_SLICE)]
            for value, one in slices.items()
        ),
    ]


def _cut(value: str) -> str:
    line = " ".join(value.split())
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 3]}..."
