"""The table of a comparison, for the console, for Markdown and for a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from training.comparison.candidates import Role
from training.comparison.compare import Comparison
from training.comparison.contest import Contest, Standing

ROLES: dict[Role, str] = {
    "linear": "linear",
    "alone": "one modality",
    "ensemble": "two models",
    "merged": "one model",
}


def header(comparison: Comparison, head: str) -> list[str]:
    """Names of the columns."""
    contest = comparison.contests[head]
    share = contest.metric.is_share
    return [
        "",
        contest.metric.label + (", %" if share else ""),
        *(["seeds"] if contest.seeds > 1 else []),
        "gain, points" if share else "gain",
        "params",
        "train",
        "latency",
    ]


def lines(comparison: Comparison, head: str) -> Iterator[tuple[Standing, list[str]]]:
    """Each candidate with its cells."""
    contest = comparison.contests[head]
    for standing in contest.standings.values():
        cost = comparison.costs[standing.name]
        yield (
            standing,
            [
                standing.name + mark(contest, standing),
                _interval(standing, contest),
                *([_spread(standing, contest)] if contest.seeds > 1 else []),
                "" if standing.name == contest.alone else _gain(standing, contest),
                f"{cost.parameters:,}" if cost.parameters < 1e7 else f"{cost.parameters / 1e6:.1f} M",
                f"{cost.seconds:,.1f} s" if cost.seconds < 10 else f"{cost.seconds:,.0f} s",
                f"{cost.milliseconds:.1f} ms",
            ],
        )


def mark(contest: Contest, standing: Standing) -> str:
    """A star at the two that the verdict compares."""
    return " *" if standing.name in (contest.alone, contest.merged) else ""


def of_console(comparison: Comparison, head: str) -> Table:
    """As it is shown on a terminal."""
    table = Table(
        title=f"{comparison.name}: {head}", title_justify="left", caption_justify="left", box=None, padding=(0, 1, 0, 0)
    )
    table.caption = legend(comparison.contests[head])
    for index, column in enumerate(header(comparison, head)):
        table.add_column(column, justify="right" if index else "left", no_wrap=index == 0)
    last = None
    for standing, cells in lines(comparison, head):
        if standing.role != last:
            table.add_section()
            table.add_row(f"[dim]{ROLES[standing.role]}[/dim]")
        table.add_row(*cells, style="bold" if mark(comparison.contests[head], standing) else None)
        last = standing.role
    return table


def of_markdown(comparison: Comparison, head: str) -> str:
    """The same for a page."""
    columns = header(comparison, head)
    text = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    text += [f"| {' | '.join(cells)} |" for _, cells in lines(comparison, head)]
    return "\n".join([*text, "", legend(comparison.contests[head])])


def of_records(comparison: Comparison) -> list[dict[str, Any]]:
    """A row for each head and candidate, figures as they are."""
    return [
        {
            "head": head,
            "candidate": standing.name,
            "role": standing.role,
            "compared": bool(mark(contest, standing)),
            contest.metric.name: standing.test.value,
            "low": standing.test.low,
            "high": standing.test.high,
            "gain": standing.gain.value,
            "gain_low": standing.gain.low,
            "gain_high": standing.gain.high,
            "seeds_low": min(standing.by_seed),
            "seeds_high": max(standing.by_seed),
            "validation": standing.validation,
            "parameters": comparison.costs[standing.name].parameters,
            "seconds": comparison.costs[standing.name].seconds,
            "milliseconds": comparison.costs[standing.name].milliseconds,
        }
        for head, contest in comparison.contests.items()
        for standing in contest.standings.values()
    ]


def legend(contest: Contest) -> str:
    """What the table means."""
    return (
        f"Gain: over {contest.alone}. Brackets: 95 % intervals over the test rows. *: what the verdict compares, the "
        "best of its kind on validation."
    )


def _interval(standing: Standing, contest: Contest) -> str:
    figure = contest.metric.figure
    return f"{figure(standing.test.value)} [{figure(standing.test.low)}, {figure(standing.test.high)}]"


def _gain(standing: Standing, contest: Contest) -> str:
    gain = standing.gain
    if contest.metric.is_share:
        return f"{100 * gain.value:+.1f} [{100 * gain.low:.1f}, {100 * gain.high:.1f}]"
    return f"{gain.value:+.3f} [{gain.low:.3f}, {gain.high:.3f}]"


def _spread(standing: Standing, contest: Contest) -> str:
    if len(standing.by_seed) == 1:
        return ""
    return f"{contest.metric.figure(min(standing.by_seed))} - {contest.metric.figure(max(standing.by_seed))}"
