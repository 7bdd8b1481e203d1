"""What `runs` says on a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from training.numbers import METRICS, measure
from training.progress import Reporter
from training.recipe_difference import Pair
from training.run_difference import Difference
from training.run_listing import Listed

SHOWN_CHARACTERS = 60


def as_json(values: Any) -> str:
    """As text that other programs read."""
    return json.dumps(values, indent=2, ensure_ascii=False)


def tell_runs(runs: Sequence[Listed], sorted_by: str, reporter: Reporter) -> None:
    """Prints runs as a table, and how to go on with those that are not finished.

    Args:
        runs: in order.
        sorted_by: what they are sorted by; if it is a metric, that is the one shown.
        reporter: told of them.
    """
    if not runs:
        reporter.say("There are no runs here.")
        return
    metric = sorted_by if sorted_by in METRICS else "accuracy"
    header = ["run", "started", "state", "epochs", "rows", f"test {METRICS[metric][0]}", "weights", "time", "version"]
    for line in _aligned([header, *(row for run in runs for row in _rows(run, metric))], right={3, 4, 6, 7}):
        reporter.say(line)
    for run in runs:
        if run.note:
            reporter.say(f"{run.path.name}: {run.note}")


def tell_difference(found: Difference, a: str, b: str, reporter: Reporter) -> None:
    """Prints what differs between two runs, and whether one is better.

    Args:
        found: what differs.
        a, b: what the runs are called.
        reporter: told of it.
    """
    for title, pairs in (("recipe", found.recipe), ("data", found.data), ("libraries", found.libraries)):
        if pairs:
            reporter.show(_pairs(title, pairs, a, b))
        else:
            reporter.say(f"{title}: the same")
    for head, metrics in found.figures.items():
        table = _table(f"test, {head}", a, b)
        for name, (one, other) in metrics.items():
            table.add_row(METRICS[name][0], measure(one), measure(other))
        reporter.show(table)
    for head, gain in found.gains.items():
        points = f"{100 * gain.value:+.1f} points [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
        if gain.low > 0 or gain.high < 0:
            verdict = f"{b} is {'better' if gain.value > 0 else 'worse'}"
        else:
            verdict = "they can't be told apart"
        reporter.say(f"accuracy of {head} on the same test rows, {b} less {a}: {points}: {verdict}")
        if head in found.cautions:
            reporter.say(f"warning: {found.cautions[head]}")
    for head, reason in found.unpaired.items():
        reporter.say(f"{head}: {reason}")


def _rows(run: Listed, metric: str) -> Iterator[list[str]]:
    """The cells of a run, a row a head."""
    heads = run.metrics or {}
    figures = [
        f"{head}: {measure(found.get(metric))}" if len(heads) > 1 else measure(found.get(metric))
        for head, found in heads.items()
    ]
    yield [
        run.path.name,
        run.started.strftime("%Y-%m-%d %H:%M"),
        run.state,
        f"{run.epochs}/{run.planned_epochs}" if run.planned_epochs else "",
        f"{sum(run.rows.values()):,}" if run.rows else "",
        figures[0] if figures else "",
        f"{run.parameters:,}" if run.parameters else "",
        f"{run.seconds:,.0f} s" if run.seconds else "",
        ", ".join(map(str, run.published)),
    ]
    for further in figures[1:]:
        yield ["", "", "", "", "", further, "", "", ""]


def _aligned(rows: Sequence[Sequence[str]], *, right: Set[int]) -> Iterator[str]:
    """Cells under each other. No table of rich's: on a narrow terminal and into a file it would cut or fold them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if number in right else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _table(*columns: str) -> Table:
    """A table of which nothing is cut off, however narrow the terminal is."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _pairs(title: str, pairs: Mapping[str, Pair], a: str, b: str) -> Table:
    table = _table(title, a, b)
    for key, (one, other) in pairs.items():
        table.add_row(key, *_short(one, other))
    return table


def _short(one: Any, other: Any) -> tuple[str, str]:
    """Both values, long lists by what only one of them has."""
    if isinstance(one, list) and isinstance(other, list) and max(len(str(one)), len(str(other))) > SHOWN_CHARACTERS:
        return _only(one, other), _only(other, one)
    return _cut(one), _cut(other)


def _only(values: Sequence[Any], other: Sequence[Any]) -> str:
    own = [str(value) for value in values if value not in other]
    return _cut(f"{len(values)}, of them here alone: {', '.join(own)}" if own else f"{len(values)}")


def _cut(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."
